// Nothing that is easily taken for another, so that it can be read out.
const letters = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'

/** Gives a random text such as "hTq4c-x8WnK-...", of about 116 bits. */
export function randomText(): string {
  const groups = Array.from({ length: 4 }, () => Array.from({ length: 5 }, letter).join(''))
  return groups.join('-')
}

function letter(): string {
  const octet = new Uint8Array(1)
  for (;;) {
    const [value = 0] = crypto.getRandomValues(octet)
    // Beyond the last whole round the first letters would come more often.
    if (value < 256 - (256 % letters.length)) return letters.charAt(value % letters.length)
  }
}
