package storage

// Patience is how long a command may take.
const Patience = patience

// Octets is how many are in use.
func (m *Memory) Octets() uint64 { return m.table.Octets() }
