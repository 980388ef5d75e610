// Matches a compiler input with a deployed contract as Sourcify's servers do: their own library over the npm compiler.
// stdin: {rpc, chainId, address, transaction, compilerVersion, input}; stdout: {runtimeMatch, creationMatch}
import { readFileSync } from "node:fs";
import { SolidityCompilation, SourcifyChain, Verification } from "@ethereum-sourcify/lib-sourcify";
import solc from "solc";

const { rpc, chainId, address, transaction, compilerVersion, input } = JSON.parse(readFileSync(0, "utf8"));
const outputs = new Map();
// Where nothing matches, the library compiles the same again to rule out a bug of the native compiler.
const compiler = {
  async compile(_version, source) {
    const text = JSON.stringify(source);
    if (!outputs.has(text)) outputs.set(text, solc.compile(text));
    return JSON.parse(outputs.get(text));
  },
};
const target = { path: "contracts/ImageRegistry.sol", name: "ImageRegistry" };
const compilation = new SolidityCompilation(compiler, compilerVersion, input, target);
const chain = new SourcifyChain({ name: "Anvil", chainId, rpcs: [{ rpc }], rpc: [rpc], supported: true });
const verification = new Verification(compilation, chain, address, transaction);
let error = null;
try {
  await verification.verify();
} catch (failure) {
  error = failure.code ?? failure.message;
}
console.log(JSON.stringify({ ...verification.status, error }));
process.exit(0);
