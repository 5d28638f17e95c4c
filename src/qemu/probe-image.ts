/** Port of QEMU's isa-debug-exit device. */
export const debugExitPort = 0xf4;
/** What QEMU's process ends with when the probe has counted: (value << 1) | 1. */
export const probeExitCode: number = (0x10 << 1) | 1;

const loadAddress = 0x10_0000;
const headerSize = 0x54; // ELF header and one program header
const stackAndTables = 0x20_0000;

/**
 * A kernel of a few hundred bytes that counts to `count` in 64-bit mode and leaves QEMU: a 32-bit
 * multiboot ELF, 2 MiB pages that map the first gigabyte onto itself, PAE, EFER.LME, a far jump
 * into 64-bit code, a `loop`, an `out`. Paging and long mode, since emulation of just these is what
 * makes a broken KVM crawl.
 */
export function probeImage(count: number): Uint8Array {
  const code = probeCode(count);
  const size = headerSize + code.length;
  const image = Buffer.alloc(size);
  // ELF32, little-endian, executable, i386.
  image.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1], 0);
  image.writeUInt16LE(2, 16);
  image.writeUInt16LE(3, 18);
  image.writeUInt32LE(1, 20);
  image.writeUInt32LE(loadAddress + headerSize + multibootHeaderSize, 24);
  image.writeUInt32LE(52, 28);
  image.writeUInt16LE(52, 40);
  image.writeUInt16LE(32, 42);
  image.writeUInt16LE(1, 44);
  // One loadable segment: this file, and behind it zeroed memory up to the page tables' end.
  const memorySize = stackAndTables + 0x4000 - loadAddress;
  for (const [index, value] of [
    1,
    0,
    loadAddress,
    loadAddress,
    size,
    memorySize,
    7,
    0x1000,
  ].entries()) {
    image.writeUInt32LE(value, 52 + index * 4);
  }
  image.set(code, headerSize);
  return image;
}

const multibootHeaderSize = 12;

function probeCode(count: number): Uint8Array {
  const [pml4, pdpt, directory] = [
    stackAndTables,
    stackAndTables + 0x1000,
    stackAndTables + 0x2000,
  ];
  const header = [...word(0x1bad_b002), ...word(0), ...word(-0x1bad_b002)];
  const setUp = [
    [0xfa], // cli
    store(pml4, pdpt | 3),
    store(pdpt, directory | 3),
    // 512 entries of 2 MiB: present, writable, large.
    [0xbf, ...word(directory)], // mov edi, directory
    [0xb8, ...word(0x83)], // mov eax, 0x83
    [0xb9, ...word(512)], // mov ecx, 512
    [0x89, 0x07], // mov [edi], eax
    [0x05, ...word(0x20_0000)], // add eax, 2 MiB
    [0x83, 0xc7, 0x08], // add edi, 8
    [0xe2, 0xf4], // loop to `mov [edi], eax`
    [0x0f, 0x20, 0xe0, 0x83, 0xc8, 0x20, 0x0f, 0x22, 0xe0], // cr4 |= PAE
    [0xb8, ...word(pml4), 0x0f, 0x22, 0xd8], // cr3 = pml4
    [0xb9, ...word(0xc000_0080), 0x0f, 0x32], // ecx = EFER; rdmsr
    [0x0d, ...word(0x100), 0x0f, 0x30], // or eax, LME; wrmsr
    [0x0f, 0x20, 0xc0, 0x0d, ...word(0x8000_0001), 0x0f, 0x22, 0xc0], // cr0 |= PG | PE
  ].flat();
  const counting = [
    [0xb9, ...word(count)], // mov ecx, count
    [0xe2, 0xfe], // loop to itself
    [0xb0, 0x10, 0x66, 0xba, debugExitPort, 0x00, 0xee], // mov al, 0x10; mov dx, port; out dx, al
    [0xf4], // hlt
  ].flat();
  const switchAt = loadAddress + headerSize + header.length + setUp.length;
  const countingAt = switchAt + 7 + 7;
  const tableAt = countingAt + counting.length + 6;
  return Uint8Array.from([
    ...header,
    ...setUp,
    ...loadTable(tableAt - 6),
    ...farJump(countingAt),
    ...counting,
    // Limit and address of the descriptor table, its empty first entry, and one for 64-bit code.
    15,
    0,
    ...word(tableAt),
    ...word(0),
    ...word(0),
    ...word(0x0000_ffff),
    ...word(0x00af_9a00),
  ]);
}

/** mov dword [address], value */
function store(address: number, value: number): number[] {
  return [0xc7, 0x05, ...word(address), ...word(value)];
}

/** lgdt [address] */
function loadTable(address: number): number[] {
  return [0x0f, 0x01, 0x15, ...word(address)];
}

/** jmp 8:address */
function farJump(address: number): number[] {
  return [0xea, ...word(address), 0x08, 0x00];
}

function word(value: number): number[] {
  return [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, (value >>> 24) & 0xff];
}
