package db

// UserStatement is what ListUsers sends.
func UserStatement(l UserList) (settings, sql string, args []any, err error) {
	form, args, err := l.form()
	if form.search && !form.email {
		settings = settingsFor(l.Search)
	}
	return settings, userStatements()[form], args, err
}
