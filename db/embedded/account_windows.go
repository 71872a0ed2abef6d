package embedded

// account is unused on Windows: PostgreSQL drops an administrator's rights by itself.
type account struct{ name string }

func chooseAccount(layout) (*account, error) { return nil, nil }

func (*account) id() int           { return 0 }
func (*account) own(string) error  { return nil }
func ownLike(string, string) error { return nil }
