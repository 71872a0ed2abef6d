package users

// The rules about the user that is asked for.
var (
	MayChange = mayChange
	MayMake   = mayMake
	MayRemove = mayRemove
	MayReset  = mayReset
	MayCreate = mayCreate
)
