// The marks of Observable Plot that replicas/pages/assets/page.js draws with: `make charts` bundles them and what they need of D3.
export {areaY, dot, gridY, lineY, plot, pointer, ruleX, ruleY, text, tip} from "@observablehq/plot";
