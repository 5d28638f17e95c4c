export {
  acceleratorOf,
  boot,
  bootable,
  build,
  launch,
  sizeOf,
  type Bootable,
  type BootOptions,
  type BuildOptions,
  type Built,
  type Launched,
} from "./launch.ts";
