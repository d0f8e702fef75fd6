import { readFileSync } from "node:fs";

/** What the system lets a process open (Linux only). */
export interface SystemLimits {
  /** Files of one process, connections among them. Node.js itself raises the soft limit to the hard one. */
  readonly openFiles: number;
  /** Connections from one address to one port. */
  readonly ports: number;
}

/** Files that a process has open beside its connections. */
const OTHER_FILES = 100;
/** Ports that others may use meanwhile. */
const OTHER_PORTS = 1_000;

export function readSystemLimits(): SystemLimits {
  const files = /^Max open files\s+\d+\s+(\d+|unlimited)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
  const range = readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8").trim().split(/\s+/).map(Number);
  return {
    openFiles: files === "unlimited" ? Number.POSITIVE_INFINITY : Number(files),
    ports: (range[1] ?? 0) - (range[0] ?? 0) + 1,
  };
}

/** Why one server cannot have so many connections from this machine, and what to do; undefined where it can. */
export function whyTooMany(connections: number, { openFiles, ports }: SystemLimits): string | undefined {
  const mostFiles = openFiles - OTHER_FILES;
  if (connections > mostFiles) {
    const needed = connections + OTHER_FILES;
    return `${connections} connections need ${needed} open files in one process, and ${openFiles} are allowed: run "ulimit -n ${needed}" in this shell first (as root where the hard limit is lower), or take --clients ${mostFiles}`;
  }
  const mostPorts = ports - OTHER_PORTS;
  if (connections > mostPorts) {
    return `${connections} connections need as many local ports, and there are ${ports}: run "sysctl -w net.ipv4.ip_local_port_range='1024 65535'" as root first, or take --clients ${mostPorts}`;
  }
  return undefined;
}
