// Unpack the browser, its libraries and fonts from their npm package: node unpack.mjs FOLDER
import { join } from "node:path";

const folder = process.argv[2];
process.env.TMPDIR = folder; // where `inflate` puts things
const { inflate } = await import("@sparticuz/chromium");
for (const name of ["chromium.br", "al2023.tar.br", "fonts.tar.br", "swiftshader.tar.br"]) {
  await inflate(join(folder, "node_modules/@sparticuz/chromium/bin", name));
}
