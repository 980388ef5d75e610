// The page's side of the injected wallet: an EIP-1193 provider, announced as EIP-6963 asks. It holds no state and no
// keys; every request goes to the Python side through an exposed function. Exposed functions lose an error's code, so
// answers are {ok} | {err: {code, message, data}} | {waiting: id}, and the error is rebuilt here.
(config) => {
  if (window !== window.top) return;

  const listeners = new Map();
  const waiting = new Map();
  const otherTabs = new BroadcastChannel(config.binding);

  const rpcError = ({ code, message, data }) =>
    Object.assign(new Error(message), { code, ...(data === null ? {} : { data }) });

  const emit = ([event, payload]) => {
    const argument = event === "disconnect" ? rpcError(payload) : payload;
    for (const listener of [...(listeners.get(event) ?? [])]) listener(argument);
  };
  otherTabs.onmessage = ({ data }) => data.forEach(emit);

  const finish = ({ ok, err, events }) => {
    events.forEach(emit);
    if (events.length > 0) otherTabs.postMessage(events);
    if (err) throw rpcError(err);
    return ok;
  };

  const provider = {
    isMetaMask: config.isMetaMask,
    isConnected: () => true,
    async request({ method, params }) {
      const answer = await window[config.binding](method, params ?? []);
      if (answer.waiting === undefined) return finish(answer);
      return new Promise((resolve, reject) => waiting.set(answer.waiting, { resolve, reject }));
    },
    on(event, listener) {
      listeners.set(event, [...(listeners.get(event) ?? []), listener]);
      return provider;
    },
    removeListener(event, listener) {
      listeners.set(event, (listeners.get(event) ?? []).filter((known) => known !== listener));
      return provider;
    },
  };

  // What the Python side calls: the end of a waiting request (unknown after a reload, as its promise died), and events.
  window[`${config.binding}_page`] = {
    waits: () => waiting.size > 0,
    emit: (events) => events.forEach(emit),
    settle(id, answer) {
      const promise = waiting.get(id);
      waiting.delete(id);
      try {
        const result = finish(answer);
        promise?.resolve(result);
      } catch (error) {
        promise?.reject(error);
      }
    },
  };

  if (config.legacy) window.ethereum = provider;
  if (config.announced) {
    const detail = Object.freeze({ info: Object.freeze(config.info), provider });
    const announce = () => window.dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail }));
    window.addEventListener("eip6963:requestProvider", announce);
    announce();
  }
}
