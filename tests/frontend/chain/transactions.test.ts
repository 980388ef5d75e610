import { decodeFunctionData, encodeErrorResult, sha256, stringToHex } from "viem/utils";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Attestation, Classification } from "../../../frontend/src/api/types";
import type { Wallet } from "../../../frontend/src/chain/discovery";
import { WalletError } from "../../../frontend/src/chain/errors";
import { intents, type Intent } from "../../../frontend/src/chain/intents";
import { abi, encodeCall, imageIdOf } from "../../../frontend/src/chain/registry";
import { describeReason, describeRevert } from "../../../frontend/src/chain/reverts";
import { AttestationMismatch, checkAttestation, estimate, makePlan, submit } from "../../../frontend/src/chain/transactions";
import { emptyBrowser, openTab } from "../browser";
import { attestation, chain, CID, classification, hash, IMAGE_ID, OTHER, UPLOADER } from "../samples";

const plan = makePlan("both", CID, UPLOADER, chain, attestation);

function walletWith(answers: Record<string, unknown>) {
  const sent: { method: string; params?: unknown[] }[] = [];
  const request = async (asked: { method: string; params?: unknown[] }) => {
    sent.push(asked);
    const answer = answers[asked.method];
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const wallet: Wallet = { uuid: "u", name: "W", icon: null, rdns: "", provider: { request, on: () => undefined } };
  return { wallet, sent };
}

describe("calls", () => {
  it("computes the image id as the contract does", () => {
    expect(imageIdOf(UPLOADER, CID)).toBe(IMAGE_ID);
    expect(imageIdOf(OTHER, CID)).not.toBe(IMAGE_ID);
  });

  it("registers image and diagnosis with what the classifier signed", () => {
    const { functionName, args } = decodeFunctionData({ abi, data: encodeCall("both", CID, attestation).data });
    expect(functionName).toBe("registerWithDiagnosis");
    expect(args).toEqual([CID, hash("0"), { ...attestation.diagnosis, issuedAt: 1_790_000_000n }, attestation.signature]);
  });

  it("registers the image only, or records the diagnosis only", () => {
    expect(decodeFunctionData({ abi, data: encodeCall("image", CID, null).data })).toEqual({
      functionName: "registerImage",
      args: [CID, hash("0")],
    });
    expect(decodeFunctionData({ abi, data: encodeCall("diagnosis", CID, attestation).data }).functionName).toBe("recordDiagnosis");
    expect(() => encodeCall("diagnosis", CID, null)).toThrow("the scope diagnosis needs an attestation");
  });
});

describe("what the server signed", () => {
  const check = (changed: Attestation) => () => checkAttestation(changed, chain, classification, UPLOADER);
  const { diagnosis } = attestation;

  it("is accepted when it is what the person sees", () => {
    expect(check(attestation)).not.toThrow();
    expect(check({ ...attestation, contract: attestation.contract.toLowerCase() as `0x${string}` })).not.toThrow();
  });

  it.each<[string, Attestation]>([
    ["imageId", { ...attestation, imageId: hash("9") }],
    ["diagnosis.imageId", { ...attestation, diagnosis: { ...diagnosis, imageId: hash("9") } }],
    ["modelId", { ...attestation, diagnosis: { ...diagnosis, modelId: hash("9") } }],
    ["label", { ...attestation, diagnosis: { ...diagnosis, label: 3 } }],
    ["confidence", { ...attestation, diagnosis: { ...diagnosis, confidence: 5000 } }],
    ["manifestHash", { ...attestation, diagnosis: { ...diagnosis, manifestHash: hash("9") } }],
    ["chainId", { ...attestation, chainId: 1 }],
    ["contract", { ...attestation, contract: OTHER }],
  ])("is refused when %s differs", (field, changed) => {
    expect(check(changed)).toThrow(AttestationMismatch);
    expect(check(changed)).toThrow(`${field}: expected`);
  });

  it("has no confidence when the model gave no answer", () => {
    const abstention = { ...classification, abstained: true, label: "abstained", labelCode: 0 };
    const signed = (confidence: number) => ({ ...attestation, diagnosis: { ...diagnosis, label: 0, confidence } });
    expect(() => checkAttestation(signed(0), chain, abstention, UPLOADER)).not.toThrow();
    expect(() => checkAttestation(signed(9877), chain, abstention, UPLOADER)).toThrow("confidence: expected 0, found 9877");
  });

  it("is refused when it was made for another account", () => {
    expect(() => checkAttestation(attestation, chain, classification, OTHER)).toThrow("imageId: expected");
  });

  describe("of a sealed result", () => {
    const manifest = { confidence: classification.confidence, label: classification.label, salt: "5".repeat(64) };
    const opening = JSON.stringify(manifest);
    const manifestHash = sha256(stringToHex(opening));
    const sealed = { ...classification, sealed: true, opening, manifestHash };
    const signed = { ...attestation, diagnosis: { ...diagnosis, manifestHash, label: 65_535, confidence: 0 } };
    const checkSealed = (result: Classification, changed: Attestation = signed) => () =>
      checkAttestation(changed, chain, result, UPLOADER);

    it("is accepted when it tells neither label nor confidence", () => {
      expect(checkSealed(sealed)).not.toThrow();
    });

    it.each<[string, Attestation]>([
      ["label", { ...signed, diagnosis: { ...signed.diagnosis, label: 1 } }],
      ["confidence", { ...signed, diagnosis: { ...signed.diagnosis, confidence: 9877 } }],
    ])("is refused when its %s is on the chain", (_, changed) => {
      expect(checkSealed(sealed, changed)).toThrow(AttestationMismatch);
    });

    it("is refused when its opening would not open it, or says something else than is shown", () => {
      expect(checkSealed({ ...sealed, opening: opening.replace("5", "6") })).toThrow(/^the opening's hash: /);
      expect(checkSealed({ ...sealed, label: "notumor" })).toThrow("the opening's label: expected notumor, found glioma");
      expect(checkSealed({ ...sealed, confidence: 0.5 })).toThrow(/^the opening's confidence: expected 0.5, found 0.98/);
    });
  });
});

describe("estimating", () => {
  const answers = { eth_estimateGas: "0x10000", eth_gasPrice: "0x2", eth_getBalance: "0x100000" };
  const reverted = { data: encodeErrorResult({ abi, errorName: "ImageAlreadyRegistered", args: [IMAGE_ID] }) };

  it("multiplies gas by its price", async () => {
    expect(await estimate(walletWith(answers).wallet, plan)).toMatchObject({ gas: 65536n, gasPrice: 2n, fee: 131072n, balance: 1048576n });
  });

  it.each([
    ["is a fifth more than the estimate", {}, 78_643n],
    ["is what the balance pays for", { eth_getBalance: "0x24000" }, 73_728n],
    ["is never less than the estimate", { eth_getBalance: "0x1" }, 65_536n],
    ["is at most 2^24, which EIP-7825 allows", { eth_estimateGas: "0xf00000", eth_getBalance: "0xffffffffff" }, 16_777_216n],
  ])("has a limit that %s", async (_, changed, limit) => {
    expect((await estimate(walletWith({ ...answers, ...changed }).wallet, plan)).limit).toBe(limit);
  });

  it.each(["eth_estimateGas", "eth_call"])("finds out by %s before the wallet opens that the contract would refuse", async (method) => {
    const { wallet } = walletWith({ ...answers, [method]: Object.assign(new Error("reverted"), reverted) });
    await expect(estimate(wallet, plan)).rejects.toMatchObject({ kind: "reverted", revert: { name: "ImageAlreadyRegistered" } });
  });

  it("simulates on the pending block, which nodes need not have", async () => {
    const { wallet, sent } = walletWith({ ...answers, eth_call: new Error("unknown block") });
    await expect(estimate(wallet, plan)).resolves.toMatchObject({ gas: 65536n });
    const call = { from: UPLOADER, to: chain.contract, data: plan.data, value: "0x0" };
    expect(sent.find(({ method }) => method === "eth_call")?.params).toEqual([call, "pending"]);
  });
});

describe("sending", () => {
  const answers = { eth_chainId: "0x539", eth_getTransactionCount: "0x4", eth_sendTransaction: hash("c") };
  const stored = () => intents.find(IMAGE_ID, chain);
  beforeEach(() => {
    emptyBrowser();
    openTab();
  });

  it("sends exactly the plan and keeps what is needed to follow it", async () => {
    const { wallet, sent } = walletWith(answers);
    expect(await submit(wallet, plan, 78_000n)).toMatchObject({
      hash: hash("c"),
      from: UPLOADER,
      nonce: 4,
      chainId: 1337,
      contract: chain.contract,
      imageId: IMAGE_ID,
      kind: "both",
      manifestHash: hash("b"),
    });
    expect(sent.at(-1)).toEqual({
      method: "eth_sendTransaction",
      params: [{ from: UPLOADER, to: chain.contract, data: plan.data, value: "0x0", gas: "0x130b0", chainId: "0x539" }],
    });
  });

  it("stores the intent before the wallet's window opens, and the hash after it", async () => {
    let before: Intent | null = null;
    const { wallet } = walletWith(answers);
    const { provider } = wallet;
    wallet.provider = {
      ...provider,
      request: (asked) => {
        if (asked.method === "eth_sendTransaction") before = stored();
        return provider.request(asked);
      },
    };
    await submit(wallet, plan, 78_000n);
    expect(before).toMatchObject({ imageId: IMAGE_ID, from: UPLOADER, nonce: 4, data: plan.data, hash: null, wallet: "W" });
    expect(stored()).toMatchObject({ imageId: IMAGE_ID, hash: hash("c") });
  });

  it.each([
    ["declines", { code: 4001, message: "no" }],
    ["is on another chain", { code: -32603, message: "must match the active chainId" }],
    ["has no funds", { code: -32603, message: "insufficient funds" }],
  ])("forgets the intent when the wallet %s", async (_, refusal) => {
    const { wallet } = walletWith({ ...answers, eth_sendTransaction: Object.assign(new Error(refusal.message), refusal) });
    await expect(submit(wallet, plan, 78_000n)).rejects.toBeInstanceOf(WalletError);
    expect(stored()).toBeNull();
  });

  it("keeps the intent when the wallet fails in any other way: it may have sent the transaction", async () => {
    const { wallet } = walletWith({ ...answers, eth_sendTransaction: new Error("Failed to fetch") });
    await expect(submit(wallet, plan, 78_000n)).rejects.toMatchObject({ kind: "rpc-failed" });
    expect(stored()).toMatchObject({ hash: null, failure: "Failed to fetch" });
  });

  it("does not ask twice for the same record", async () => {
    await submit(walletWith(answers).wallet, plan, 78_000n);
    const { wallet, sent } = walletWith(answers);
    await expect(submit(wallet, plan, 78_000n)).rejects.toMatchObject({ kind: "asked-already" });
    expect(sent.map(({ method }) => method)).not.toContain("eth_sendTransaction");
  });

  it("does not ask while another tab does", async () => {
    let answer: (hash: string) => void = () => undefined;
    const { wallet } = walletWith({ ...answers, eth_sendTransaction: new Promise((resolve) => (answer = resolve)) });
    const first = submit(wallet, plan, 78_000n);
    await vi.waitFor(() => expect(stored()).not.toBeNull());
    const intent = stored()!;
    expect(await intents.isAwaited(intent)).toBe(true);
    openTab();
    localStorage.removeItem(Object.keys(localStorage).find((key) => key.startsWith("scanproof.intent."))!);
    await expect(submit(walletWith(answers).wallet, plan, 78_000n)).rejects.toMatchObject({ kind: "asked-already" });
    answer(hash("c"));
    await first;
    expect(await intents.isAwaited(intent)).toBe(false);
  });

  it("does not open the wallet on another chain", async () => {
    const { wallet, sent } = walletWith({ eth_chainId: "0x1" });
    await expect(submit(wallet, plan, 78_000n)).rejects.toMatchObject({ kind: "chain-mismatch" });
    expect(sent.map(({ method }) => method)).toEqual(["eth_chainId"]);
    expect(stored()).toBeNull();
  });
});

describe("reverts in words", () => {
  const inputsOf = (name: string) => abi.filter((entry) => entry.type === "error").find((entry) => entry.name === name)!.inputs;
  const OWN = [
    "ImageAlreadyRegistered",
    "ImageNotRegistered",
    "NotUploader",
    "InvalidCid",
    "ClassifierNotAuthorized",
    "DiagnosisNotNewer",
    "DiagnosisFromFuture",
    "DiagnosisExpired",
    "LabelOutOfRange",
    "AbstentionConfidence",
    "ImageIdMismatch",
    "ConfidenceOutOfRange",
    "TooManyDiagnoses",
  ];

  it.each(OWN)("has words for %s, decoded here or by the server", (name) => {
    const values: Record<string, unknown> = { bytes32: hash("1"), address: UPLOADER, string: "x", uint256: 1n, uint64: 1n, uint40: 1, uint16: 1 };
    const data = encodeErrorResult({ abi, errorName: name, args: inputsOf(name).map(({ type }) => values[type]) });
    const found = describeRevert(data);
    expect(found?.name).toBe(name);
    expect(found?.text).not.toContain("The contract answered");
    expect(describeReason(`${name}(imageId: 0x1)`)).toEqual(found);
  });

  it("shows a plain reason as it is, and survives data that is none", () => {
    expect(describeReason("out of gas").text).toBe("The chain says: out of gas.");
    expect(describeReason(null).text).toBe("The chain gives no reason.");
    expect(describeRevert("0x12345678")).toBeNull();
    expect(describeRevert(null)).toBeNull();
  });
});
