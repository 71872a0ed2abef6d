// Makes passwords.txt.gz from the list of @zxcvbn-ts/language-common; see README.md.
import { readFileSync, writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'

const listed = JSON.parse(readFileSync(process.argv[2], 'utf8'))

// What the list leaves out because its own library finds it by rule.
const added = [
  'p@ssword', 'p@ssw0rd1', 'p@ssword1', 'p@ssword123', 'changeme1', 'changeme123', 'letmein123',
  'correcthorsebatterystaple', 'correct horse battery staple', 'correct-horse-battery-staple',
  // The names that this server itself puts into mouths.
  'roster12', 'roster123', 'roster1234', 'roster2024', 'roster2025', 'roster2026', 'rosteradmin', 'rosterpassword',
  'adminroster', 'rosterroster', 'roster.local', 'admin@roster.local',
]
for (const unit of '0123456789abcdefghijklmnopqrstuvwxyz') {
  for (let times = 8; times <= 16; times++) added.push(unit.repeat(times))
}
for (const unit of listed.slice(0, 1000)) added.push(unit + unit)
for (const run of ['01234567890123456789', '09876543210987654321', 'abcdefghijklmnopqrstuvwxyz', 'zyxwvutsrqponmlkjihgfedcba']) {
  for (let from = 0; from < run.length; from++) {
    for (let to = from + 8; to <= run.length; to++) added.push(run.slice(from, to))
  }
}

const kept = [...new Set([...listed, ...added].map((password) => password.toLowerCase()))]
  .filter((password) => [...password].length >= 8 && !/[^\x20-\x7e]/.test(password))
  .sort()
writeFileSync(new URL('passwords.txt.gz', import.meta.url), gzipSync(kept.join('\n') + '\n', { level: 9 }))
console.log(`${kept.length} passwords`)
