package db

// UserStatement is what ListUsers sends.
func UserStatement(l UserList) (settings, sql string, args []any, err error) {
	form, args, err := l.form()
	if form.search && !form.email {
		settings = settingsFor(l.Search)
	}
	return settings, userStatements()[form], args, err
}

// NewestList is a SessionList, a KeyList or an AuditList.
type NewestList interface{ newest() newestList }

// NewestStatement is what ListSessions, ListKeys and ListAudit send.
func NewestStatement(list NewestList) (sql string, args []any, err error) {
	switch l := list.(type) {
	case SessionList:
		return sessions.statement(l.newest())
	case KeyList:
		return keys.statement(l.newest())
	default:
		return auditLog.statement(l.newest())
	}
}
