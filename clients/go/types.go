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

// The codes of the server's errors. [ErrorCodeUnknown] is this package's own.
const (
	ErrorCodeMalformed            = gen.ErrorCodeMalformed
	ErrorCodeNotFound             = gen.ErrorCodeNotFound
	ErrorCodeMethodNotAllowed     = gen.ErrorCodeMethodNotAllowed
	ErrorCodeRequestTimeout       = gen.ErrorCodeRequestTimeout
	ErrorCodeEmailTaken           = gen.ErrorCodeEmailTaken
	ErrorCodeLastAdmin            = gen.ErrorCodeLastAdmin
	ErrorCodePreconditionFailed   = gen.ErrorCodePreconditionFailed
	ErrorCodeTooLarge             = gen.ErrorCodeTooLarge
	ErrorCodeUnsupportedMediaType = gen.ErrorCodeUnsupportedMediaType
	ErrorCodeMisdirected          = gen.ErrorCodeMisdirected
	ErrorCodeValidationFailed     = gen.ErrorCodeValidationFailed
	ErrorCodeInternal             = gen.ErrorCodeInternal
	ErrorCodeUnavailable          = gen.ErrorCodeUnavailable
)

// Ptr returns a pointer to a copy of v, for optional fields:
//
//	roster.UserUpdate{Name: roster.Ptr("Ada King")}
//
// From Go 1.26 on, new(v) does the same.
func Ptr[T any](v T) *T { return &v }
