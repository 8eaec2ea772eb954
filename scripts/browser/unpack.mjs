// Unpacks Chromium and its font beside the packages, and prints its path. A separate folder keeps this Chromium apart from others on this computer.
import {mkdirSync, writeFileSync} from "node:fs";
import {fileURLToPath} from "node:url";

const folder = fileURLToPath(new URL("node_modules/.chromium/", import.meta.url));
mkdirSync(folder, {recursive: true});
process.env.TMPDIR = folder;
const {default: chromium} = await import("@sparticuz/chromium");
console.log(await chromium.executablePath());
writeFileSync(`${folder}fonts/fonts.conf`, `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>${folder}fonts</dir><cachedir>${folder}fonts-cache</cachedir></fontconfig>
`);
