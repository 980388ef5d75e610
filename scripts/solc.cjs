// solc's command line as py-solc-x uses it (--version, --standard-json) over the npm package: one compiler, two builds.
const fs = require("node:fs");
const path = require("node:path");
const solc = require("solc");

function readImport(name) {
  try {
    return { contents: fs.readFileSync(path.resolve(name), "utf8") };
  } catch (error) {
    return { error: error.message };
  }
}

const [option] = process.argv.slice(2);
if (option === "--version") {
  console.log(`solc, the solidity compiler commandline interface\nVersion: ${solc.version()}`);
} else if (option === "--standard-json") {
  console.log(solc.compile(fs.readFileSync(0, "utf8"), { import: readImport }));
} else {
  console.error(`expected --version or --standard-json as first argument, found ${option}`);
  process.exitCode = 1;
}
