import { join } from "node:path";

/** How many commands can run at once. */
export const slotCount = 8;

// A port costs the guest half a megabyte of receive buffers; the device carries 31.
const names: readonly string[] = [
  "control",
  ...Array.from({ length: slotCount }, (_, slot) => [`${slot}.out`, `${slot}.err`]).flat(),
];

/** The lane's ports: their names in the guest, and their sockets on the host. */
export interface LanePorts {
  readonly control: string;
  readonly slots: readonly { readonly out: string; readonly err: string }[];
}

export function lanePorts(directory: string): LanePorts {
  const socket = (name: string): string => join(directory, `lane-${name}`);
  return {
    control: socket("control"),
    slots: Array.from({ length: slotCount }, (_, slot) => ({
      out: socket(`${slot}.out`),
      err: socket(`${slot}.err`),
    })),
  };
}

/** QEMU's ids of the character devices behind the ports. */
export const laneDevices: readonly string[] = names.map(deviceIdOf);

/** QMP's `VSERPORT_CHANGE` with this id and `open: false`: the agent's supervisor has ended. */
export const laneControlPortId: string = portIdOf("control");

/**
 * QEMU arguments for a virtio-serial device with the lane's ports, whose sockets stand in
 * `directory`. None holds white space, as long as `directory` does not.
 */
export function laneQemuArguments(directory: string): string[] {
  const ports = names.flatMap((name, index) => {
    const path = join(directory, `lane-${name}`).replaceAll(",", ",,");
    const id = deviceIdOf(name);
    return [
      "-chardev",
      `socket,id=${id},path=${path},server=on,wait=off`,
      "-device",
      // Port 0 is kept for consoles.
      `virtserialport,bus=dryboot-lane.0,nr=${index + 1},chardev=${id},id=${portIdOf(name)},name=dryboot.${name}`,
    ];
  });
  return ["-device", "virtio-serial-pci,id=dryboot-lane,max_ports=31", ...ports];
}

function deviceIdOf(name: string): string {
  return `dryboot-lane-${name.replace(".", "-")}`;
}

function portIdOf(name: string): string {
  return `${deviceIdOf(name)}-port`;
}
