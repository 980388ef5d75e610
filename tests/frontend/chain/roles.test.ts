import { decodeFunctionData, keccak256, stringToHex } from "viem/utils";
import { describe, expect, it } from "vitest";
import { WalletError } from "../../../frontend/src/chain/errors";
import { abi } from "../../../frontend/src/chain/registry";
import { isClinician, rolesOf } from "../../../frontend/src/chain/roles";
import { chain, UPLOADER } from "../samples";

const word = (digit: string): `0x${string}` => `0x${digit.padStart(64, "0")}`;
const walletWith = (request: (asked: { params?: unknown[] }) => Promise<unknown>) => ({
  uuid: "u",
  name: "W",
  icon: null,
  rdns: "",
  provider: { request, on: () => undefined },
});

/** A contract where accounts have the roles of these hashes. */
const contractWith = (...roles: string[]) =>
  walletWith(({ params }) => {
    const [call] = params as [{ to: string; data: `0x${string}` }];
    const { functionName, args } = decodeFunctionData({ abi, data: call.data });
    expect([call.to, functionName, args?.[1]]).toEqual([chain.contract, "hasRole", UPLOADER]);
    return Promise.resolve(word(roles.includes(String(args?.[0])) ? "1" : "0"));
  });

describe("the roles of an account", () => {
  it.each<[string, string[], string[]]>([
    ["none but uploading, which everybody may", [], ["Uploader"]],
    ["the clinician's", [keccak256(stringToHex("CLINICIAN_ROLE"))], ["Clinician", "Uploader"]],
    ["a hospital's", [keccak256(stringToHex("SITE_ROLE"))], ["Federated site", "Uploader"]],
    ["the classifier's", [keccak256(stringToHex("CLASSIFIER_ROLE"))], ["Classifier", "Uploader"]],
    [
      "both of an administrator",
      [word("0"), keccak256(stringToHex("MODEL_ADMIN_ROLE"))],
      ["Administrator", "Model administrator", "Uploader"],
    ],
  ])("are what the wallet's node answers: %s", async (_, given, roles) => {
    expect(await rolesOf(contractWith(...given), UPLOADER, chain)).toEqual(roles);
    expect(await isClinician(contractWith(...given), UPLOADER, chain)).toBe(roles.includes("Clinician"));
  });

  it("are unknown when the node gives no answer", async () => {
    const silent = walletWith(() => Promise.reject(new Error("offline")));
    await expect(isClinician(silent, UPLOADER, chain)).rejects.toBeInstanceOf(WalletError);
    await expect(rolesOf(walletWith(() => Promise.resolve("0x")), UPLOADER, chain)).rejects.toBeInstanceOf(WalletError);
  });
});
