import { GuestDevices } from "./guest-devices.ts";
import { Certificate, type TlsServer } from "./subjects/certificate.ts";
import { Dns, type DnsOptions } from "./subjects/dns.ts";
import { File } from "./subjects/file.ts";
import { Group } from "./subjects/group.ts";
import { Http } from "./subjects/http.ts";
import type { HttpOptions } from "./subjects/http-response.ts";
import { Journal, type JournalFilter } from "./subjects/journal.ts";
import { KernelModule } from "./subjects/kernel-module.ts";
import { Mount } from "./subjects/mount.ts";
import { NetworkInterface } from "./subjects/network-interface.ts";
import { Package, type PackageOptions } from "./subjects/package.ts";
import { Port, type PortOptions } from "./subjects/port.ts";
import { Process, type ProcessOptions } from "./subjects/process.ts";
import { Socket, type SocketOptions } from "./subjects/socket.ts";
import { StorePath } from "./subjects/store-path.ts";
import { Sysctl } from "./subjects/sysctl.ts";
import { Timer } from "./subjects/timer.ts";
import { Unit, type UnitOptions } from "./subjects/unit.ts";
import { User } from "./subjects/user.ts";

/** What can be looked at in a guest. None of these asks the guest anything: they do so each time they are used. */
export abstract class GuestSubjects extends GuestDevices {
  /** A systemd unit; a name without a suffix is a service. */
  unit(name: string, options?: UnitOptions): Unit {
    return new Unit(this, name, options);
  }

  /** A systemd timer. */
  timer(name: string, options?: UnitOptions): Timer {
    return new Timer(this, name, options);
  }

  /** A TCP or UDP port. */
  port(number: number, options?: PortOptions): Port {
    return new Port(this, number, options);
  }

  /** A Unix domain socket. */
  socket(path: string, options?: SocketOptions): Socket {
    return new Socket(this, path, options);
  }

  /** A path, through symbolic links. */
  file(path: string): File {
    return new File(this, path);
  }

  /** A mount point. */
  mount(path: string): Mount {
    return new Mount(this, path);
  }

  /** A user, wherever the guest's name service has it from. */
  user(name: string): User {
    return new User(this, name);
  }

  /** A group, wherever the guest's name service has it from. */
  group(name: string): Group {
    return new Group(this, name);
  }

  /** The processes of a name. */
  process(name: string, options?: ProcessOptions): Process {
    return new Process(this, name, options);
  }

  /** A kernel parameter: `vm.swappiness`. */
  sysctl(name: string): Sysctl {
    return new Sysctl(this, name);
  }

  /** A module of the kernel; `-` and `_` are the same in its name. */
  kernelModule(name: string): KernelModule {
    return new KernelModule(this, name);
  }

  /** A network interface. */
  interface(name: string): NetworkInterface {
    return new NetworkInterface(this, name);
  }

  /** A URL as the guest itself reaches it; `from: "host"` as a neighbour of the guest does. */
  http(url: string, options?: HttpOptions): Http {
    return new Http(this, url, options);
  }

  /** A host name, as the guest's programs resolve it. */
  dns(name: string, options?: DnsOptions): Dns {
    return new Dns(this, name, options);
  }

  /** The journal of this boot, or those of its entries that a filter lets through. */
  journal(filter?: JournalFilter): Journal {
    return new Journal(this, filter);
  }

  /** A package of the system's environment, by its name without the version. */
  package(name: string, options?: PackageOptions): Package {
    return new Package(this, name, options);
  }

  /** A path of the Nix store. */
  storePath(path: string): StorePath {
    return new StorePath(this, path);
  }

  /** A certificate in a PEM file of the guest, or the one that a server in it shows. */
  certificate(source: string | TlsServer): Certificate {
    return new Certificate(this, source);
  }
}
