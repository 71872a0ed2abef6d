// A real server for the tests: the one at ROSTER_URL, whose admin is ROSTER_ADMIN_EMAIL with
// ROSTER_ADMIN_PASSWORD, else one of their own, with its own PostgreSQL in a new folder.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    baseUrl: string;
    admin: Admin;
  }
}

/** Who may do everything, with what it takes to sign in. */
interface Admin {
  email: string;
  password: string;
}

const binary = fileURLToPath(new URL('../../../../bin/roster', import.meta.url));
const startTimeout = 90_000;

export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const given = process.env['ROSTER_URL'];
  if (given) {
    project.provide('baseUrl', given);
    project.provide('admin', { email: process.env['ROSTER_ADMIN_EMAIL'] ?? 'admin@roster.local', password: process.env['ROSTER_ADMIN_PASSWORD'] ?? '' });
    return undefined;
  }
  if (!existsSync(binary)) {
    const missing = new Error('bin/roster is missing: run make build, or name a running server by ROSTER_URL');
    delete missing.stack; // where it was found missing helps nobody
    throw missing;
  }
  const folder = await mkdtemp(join(tmpdir(), 'roster-ts-'));
  await chmod(folder, 0o755); // as root, PostgreSQL runs as another user, who must get through
  const address = `localhost:${await freePort()}`;
  const admin = { email: 'admin@example.org', password: randomUUID() };
  const server = start(address, join(folder, 'data'), admin);
  const stop = async () => {
    if (server.exitCode === null && server.signalCode === null) {
      server.kill('SIGTERM');
      await once(server, 'exit');
    }
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await ready(server, `http://${address}`);
  } catch (error) {
    await stop();
    throw error;
  }
  project.provide('baseUrl', `http://${address}`);
  project.provide('admin', admin);
  return stop;
}

interface Server extends ChildProcess {
  /** The end of its log. */
  said: string;
}

function start(address: string, dataDir: string, admin: Admin): Server {
  // Nothing of the caller's own Roster: a setting there must not decide about a database here.
  const own = Object.entries(process.env).filter(([name]) => !/^(ROSTER_|DATABASE_URL|REDIS_URL)/.test(name));
  const env = {
    ...Object.fromEntries(own),
    ROSTER_ADDR: address,
    ROSTER_DATA_DIR: dataDir,
    ROSTER_RATE_LIMIT: 'off',
    ROSTER_ADMIN_EMAIL: admin.email,
    ROSTER_ADMIN_PASSWORD: admin.password,
  };
  const server = Object.assign(spawn(binary, ['serve'], { env, stdio: ['ignore', 'ignore', 'pipe'] }), { said: '' });
  server.stderr.on('data', (text: Buffer) => (server.said = (server.said + text.toString()).slice(-4000)));
  return server;
}

async function ready(server: Server, baseUrl: string): Promise<void> {
  const end = Date.now() + startTimeout;
  while (Date.now() < end) {
    if (server.exitCode !== null) {
      throw new Error(`roster serve ended with ${server.exitCode}:\n${server.said}`);
    }
    const answer = await fetch(`${baseUrl}/ready`).catch(() => undefined);
    if (answer?.ok) {
      return;
    }
    await sleep(100);
  }
  throw new Error(`roster serve is not ready after ${startTimeout / 1000} s:\n${server.said}`);
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, 'localhost');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
