// Package stats is the resource /api/stats: how many there are, and what happened on
// which day.
package stats

import (
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/cache"
)

// Stats is how many there are at a time, and what happened on the days up to it.
type Stats struct {
	GeneratedAt time.Time   `json:"generatedAt" doc:"When this was so (RFC 3339, UTC). It may be some minutes ago: the answer is kept." example:"2026-03-14T09:26:53.589793Z"`
	Users       UserCounts  `json:"users"`
	Sessions    int64       `json:"sessions" minimum:"0" maximum:"9007199254740991" doc:"Sessions that were active: neither ended nor idle." example:"42"`
	Keys        int64       `json:"keys" minimum:"0" maximum:"9007199254740991" doc:"Keys that had not expired, also those of disabled users, which do not work meanwhile." example:"7"`
	Days        []DayCounts `json:"days" doc:"Each of the days that were asked for, the oldest first. The last is that of generatedAt, as far as it had come."`
}

// TransformSchema describes the type in the document.
func (Stats) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Description = "How many there are, and what happened on which day."
	return s
}

// UserCounts is how many users there are.
type UserCounts struct {
	Total    int64      `json:"total" minimum:"0" maximum:"9007199254740991" doc:"Users in all." example:"57"`
	ByRole   RoleCounts `json:"byRole"`
	Disabled int64      `json:"disabled" minimum:"0" maximum:"9007199254740991" doc:"Users who are disabled; they count in total and by role too." example:"3"`
}

// TransformSchema describes the type in the document.
func (UserCounts) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Description = "How many users there are."
	return s
}

// RoleCounts is how many users have each role.
type RoleCounts struct {
	Admin  int64 `json:"admin" minimum:"0" maximum:"9007199254740991" doc:"Admins." example:"2"`
	Editor int64 `json:"editor" minimum:"0" maximum:"9007199254740991" doc:"Editors." example:"5"`
	Viewer int64 `json:"viewer" minimum:"0" maximum:"9007199254740991" doc:"Viewers." example:"50"`
}

// TransformSchema describes the type in the document.
func (RoleCounts) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Description = "How many users have each role."
	return s
}

// DayCounts is what happened on one day.
type DayCounts struct {
	Day            string `json:"day" format:"date" doc:"The day, by UTC." example:"2026-03-14"`
	SignUps        int64  `json:"signUps" minimum:"0" maximum:"9007199254740991" doc:"Users who were made on it, also those who are deleted by now." example:"4"`
	SignIns        int64  `json:"signIns" minimum:"0" maximum:"9007199254740991" doc:"Sessions that were started on it." example:"31"`
	SignInFailures int64  `json:"signInFailures" minimum:"0" maximum:"9007199254740991" doc:"Sign-ins that were refused on it for what was given; not those that a limit turned away." example:"2"`
}

// TransformSchema describes the type in the document.
func (DayCounts) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Description = "What happened on one day."
	return s
}

// Resource holds what the operation needs.
type Resource struct {
	queries *dbsqlc.Queries
	idle    time.Duration
	cache   *cache.Cache
}

// New makes the resource. A session that is not used for as long as idle is dead.
// Without a cache each request is answered anew. For the document alone, both may be
// nil.
func New(pool *pgxpool.Pool, idle time.Duration, c *cache.Cache) *Resource {
	return &Resource{queries: dbsqlc.New(pool), idle: idle, cache: c}
}

// Register adds the operation to the API.
func (r *Resource) Register(api huma.API) {
	r.registerGet(api)
}

const tag = "Stats"
