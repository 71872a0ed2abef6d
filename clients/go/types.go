package roster

import "github.com/roster-api/roster/clients/go/gen"

// The types of the API, generated from its OpenAPI document. Here they have
// their names; their fields and docs are in package gen.
type (
	// User is a user as everyone who may see users sees them.
	User = gen.User
	// UserCreate is what it takes to make a user.
	UserCreate = gen.UserCreate
	// UserReplace is a whole user, as far as a caller may set it.
	UserReplace = gen.UserReplace
	// UserUpdate holds the fields to change; a nil field stays as it is.
	UserUpdate = gen.UserUpdate
	// UserSort is an order of users.
	UserSort = gen.UserSort
	// ListUsersParams are the filters, the order and the place of a list of
	// users. A nil field, like a nil *ListUsersParams, is the server's default.
	ListUsersParams = gen.ListUsersParams
	// PaginatedResponseUser is one page of users.
	PaginatedResponseUser = gen.PaginatedResponseUser
	// Pagination says where a page stands in its list.
	Pagination = gen.Pagination

	// Key is a service's key without its secret, which nobody sees again.
	Key = gen.Key
	// KeyCreate is what it takes to make a key.
	KeyCreate = gen.KeyCreate
	// KeyCreated is a new key, with its secret.
	KeyCreated = gen.KeyCreated
	// KeyRotate says how to rotate a key.
	KeyRotate = gen.KeyRotate
	// KeyRotated is a key with its new secret.
	KeyRotated = gen.KeyRotated
	// ListKeysParams say whose keys are listed, and which page. A nil field, like
	// a nil *ListKeysParams, is the server's default.
	ListKeysParams = gen.ListKeysParams
	// PaginatedResponseKey is one page of keys.
	PaginatedResponseKey = gen.PaginatedResponseKey
	// Scope is a permission that a key may have. A later server may know more.
	Scope = gen.Scope

	// Session is a session without its token.
	Session = gen.Session
	// ListSessionsParams say whose sessions are listed, and which page. A nil
	// field, like a nil *ListSessionsParams, is the server's default.
	ListSessionsParams = gen.ListSessionsParams
	// PaginatedResponseSession is one page of sessions.
	PaginatedResponseSession = gen.PaginatedResponseSession

	// AuditEntry is one change: who made it, when and from where, and what it
	// changed.
	AuditEntry = gen.AuditEntry
	// Actor is the kind of who made a change.
	Actor = gen.Actor
	// ListAuditParams are the filters and the place of a list of changes. A nil
	// field, like a nil *ListAuditParams, is the server's default.
	ListAuditParams = gen.ListAuditParams
	// PaginatedResponseAuditEntry is one page of changes.
	PaginatedResponseAuditEntry = gen.PaginatedResponseAuditEntry

	// Stats is how many there are, and what happened on which day.
	Stats = gen.Stats
	// StatsDays is for how many days statistics are: 30, 90 or 365.
	StatsDays = gen.GetStatsParamsDays
	// UserCounts is how many users there are.
	UserCounts = gen.UserCounts
	// RoleCounts is how many users have each role.
	RoleCounts = gen.RoleCounts
	// DayCounts is what happened on one day.
	DayCounts = gen.DayCounts

	// PasswordSet is what it takes to change one's own password.
	PasswordSet = gen.PasswordSet
	// PasswordReset is a token by which a user chooses a new password, once.
	PasswordReset = gen.PasswordReset
	// PasswordResetRedeem is a new password, chosen by a token.
	PasswordResetRedeem = gen.PasswordResetRedeem

	// SignIn is what it takes to sign in; see [Client.SignIn].
	SignIn = gen.SignIn
	// SignedIn is a new session.
	SignedIn = gen.SignedIn
	// Identity is who is calling, by what, and what they may do.
	Identity = gen.Identity
	// Credential is what a caller shows to be known: a session or a key.
	Credential = gen.Credential
	// Permission is what a caller may do, in a word. A later server may know more.
	Permission = gen.Permission

	// Role is what a user may be. A later server may know more roles.
	Role = gen.Role

	// Problem is the body of an answer that is not a success (RFC 9457); an
	// [APIError] holds one. The document calls it ApiError.
	Problem = gen.APIError
	// ErrorCode is the stable word that says what went wrong. A later server
	// may know more codes.
	ErrorCode = gen.ErrorCode
	// FieldError is one part of a request that breaks a rule.
	FieldError = gen.FieldError
)

// The roles, from the most to the least powerful.
const (
	RoleAdmin  = gen.RoleAdmin
	RoleEditor = gen.RoleEditor
	RoleViewer = gen.RoleViewer
)

// The orders of users; Minus turns one around.
const (
	UserSortCreatedAt      = gen.UserSortCreatedAt
	UserSortMinusCreatedAt = gen.UserSortMinusCreatedAt
	UserSortName           = gen.UserSortName
	UserSortMinusName      = gen.UserSortMinusName
	UserSortEmail          = gen.UserSortEmail
	UserSortMinusEmail     = gen.UserSortMinusEmail
)

// The kinds of credentials.
const (
	CredentialSession = gen.CredentialSession
	CredentialKey     = gen.CredentialKey
)

// For how many days statistics can be had.
const (
	StatsDays30  = gen.GetStatsParamsDaysN30
	StatsDays90  = gen.GetStatsParamsDaysN90
	StatsDays365 = gen.GetStatsParamsDaysN365
)

// The kinds of who made a change.
const (
	ActorUser      = gen.ActorUser
	ActorKey       = gen.ActorKey
	ActorSystem    = gen.ActorSystem
	ActorAnonymous = gen.ActorAnonymous
)

// The permissions.
const (
	PermissionUsersRead      = gen.PermissionUsersRead
	PermissionUsersWrite     = gen.PermissionUsersWrite
	PermissionUsersAdmin     = gen.PermissionUsersAdmin
	PermissionUsersDelete    = gen.PermissionUsersDelete
	PermissionPasswordsReset = gen.PermissionPasswordsReset
	PermissionStatsRead      = gen.PermissionStatsRead
	PermissionAuditRead      = gen.PermissionAuditRead
	PermissionSessionsAdmin  = gen.PermissionSessionsAdmin
	PermissionProfile        = gen.PermissionProfile
	PermissionKeysOwn        = gen.PermissionKeysOwn
	PermissionKeysAdmin      = gen.PermissionKeysAdmin
)

// The permissions that a key may have.
const (
	ScopeUsersRead      = gen.ScopeUsersRead
	ScopeUsersWrite     = gen.ScopeUsersWrite
	ScopeUsersAdmin     = gen.ScopeUsersAdmin
	ScopeUsersDelete    = gen.ScopeUsersDelete
	ScopePasswordsReset = gen.ScopePasswordsReset
	ScopeStatsRead      = gen.ScopeStatsRead
	ScopeAuditRead      = gen.ScopeAuditRead
	ScopeSessionsAdmin  = gen.ScopeSessionsAdmin
)

// The codes of the server's errors. [ErrorCodeUnknown] is this package's own.
const (
	ErrorCodeMalformed            = gen.ErrorCodeMalformed
	ErrorCodeUnauthenticated      = gen.ErrorCodeUnauthenticated
	ErrorCodeSignInFailed         = gen.ErrorCodeSignInFailed
	ErrorCodeForbidden            = gen.ErrorCodeForbidden
	ErrorCodeWrongPassword        = gen.ErrorCodeWrongPassword
	ErrorCodeCrossOrigin          = gen.ErrorCodeCrossOrigin
	ErrorCodeNotFound             = gen.ErrorCodeNotFound
	ErrorCodeMethodNotAllowed     = gen.ErrorCodeMethodNotAllowed
	ErrorCodeRequestTimeout       = gen.ErrorCodeRequestTimeout
	ErrorCodeEmailTaken           = gen.ErrorCodeEmailTaken
	ErrorCodeLastAdmin            = gen.ErrorCodeLastAdmin
	ErrorCodeIdempotencyInFlight  = gen.ErrorCodeIdempotencyInFlight
	ErrorCodeSecretNotReplayable  = gen.ErrorCodeSecretNotReplayable
	ErrorCodePreconditionFailed   = gen.ErrorCodePreconditionFailed
	ErrorCodeTooLarge             = gen.ErrorCodeTooLarge
	ErrorCodeUnsupportedMediaType = gen.ErrorCodeUnsupportedMediaType
	ErrorCodeMisdirected          = gen.ErrorCodeMisdirected
	ErrorCodeValidationFailed     = gen.ErrorCodeValidationFailed
	ErrorCodeResetInvalid         = gen.ErrorCodeResetInvalid
	ErrorCodeIdempotencyMismatch  = gen.ErrorCodeIdempotencyMismatch
	ErrorCodeRateLimited          = gen.ErrorCodeRateLimited
	ErrorCodeInternal             = gen.ErrorCodeInternal
	ErrorCodeUnavailable          = gen.ErrorCodeUnavailable
)

// Ptr returns a pointer to a copy of v, for optional fields:
//
//	roster.UserUpdate{Name: roster.Ptr("Ada King")}
//
// From Go 1.26 on, new(v) does the same.
func Ptr[T any](v T) *T { return &v }
