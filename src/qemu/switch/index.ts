export { virtualSwitch, type NetworkConditions, type VirtualSwitch } from "./virtual-switch.ts";
