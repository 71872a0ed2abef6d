import type { CreateOptions } from './client.js';

/** Gives a call the key by which the server carries it out once, however often it is sent. */
export function once(options: CreateOptions = {}): { 'Idempotency-Key': string } {
  const { idempotencyKey = random() } = options;
  if (idempotencyKey === '') {
    throw new TypeError('The idempotencyKey is empty');
  }
  return { 'Idempotency-Key': idempotencyKey };
}

/** 128 bits. Not by randomUUID: browsers have that on https and localhost only. */
function random(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (octet) => octet.toString(16).padStart(2, '0')).join('');
}
