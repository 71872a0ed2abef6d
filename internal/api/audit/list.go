package auditlog

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/page"
)

type listInput struct {
	page.Params
	ActorID   uuid.UUID `query:"actorId" format:"uuid" doc:"Only what this user or this key did." example:"019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d21"`
	Operation string    `query:"operation" maxLength:"100" doc:"Only this operation." example:"updateUser"`
	Target    string    `query:"target" maxLength:"100" doc:"Only what was done to this kind of thing." example:"user"`
	TargetID  uuid.UUID `query:"targetId" format:"uuid" doc:"Only what was done to this very thing." example:"019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d21"`
	From      time.Time `query:"from" doc:"Only what was done at this time or later (RFC 3339)." example:"2026-03-14T00:00:00Z"`
	To        time.Time `query:"to" doc:"Only what was done before this time (RFC 3339)." example:"2026-03-15T00:00:00Z"`
}

type listOutput struct {
	Link string `header:"Link" doc:"The first, previous and next page, as far as there are any (RFC 8288)." example:"</api/audit?cursor=AQEyAAAB>; rel=\"next\""`
	Body page.Paginated[AuditEntry]
}

// GET /api/audit
func (a *Audit) registerList(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "listAudit",
		Method:      http.MethodGet,
		Path:        "/api/audit",
		Summary:     "Read the audit log",
		Description: "Returns a page of the changes that were made, the newest first. Filters can be combined. What is counted in total costs time where many match: name a time, an actor or a target in a long log.",
		Tags:        []string{tag},
	}, a.list)
}

func (a *Audit) list(ctx context.Context, in *listInput) (*listOutput, error) {
	query := db.AuditList{Operation: in.Operation, Target: in.Target, Limit: int(in.Limit)}
	bound := []string{"audit", in.Operation, in.Target, "", "", "", ""}
	if in.Has("actorId") {
		query.ActorID, bound[3] = &in.ActorID, in.ActorID.String()
	}
	if in.Has("targetId") {
		query.TargetID, bound[4] = &in.TargetID, in.TargetID.String()
	}
	if in.Has("from") {
		query.Since, bound[5] = &in.From, in.From.UTC().Format(time.RFC3339Nano)
	}
	if in.Has("to") {
		query.Until, bound[6] = &in.To, in.To.UTC().Format(time.RFC3339Nano)
	}
	place, err := in.Place(bound...)
	if err != nil {
		return nil, err
	}
	query.Offset, query.Back = place.Offset, place.Back
	if at := place.From; at != nil {
		query.From = &db.NewestPosition{CreatedAt: at.Time, ID: at.ID}
	}
	found, err := db.ListAudit(ctx, a.pool, query)
	if err != nil {
		return nil, err
	}

	out := &listOutput{}
	out.Body, out.Link = page.Of(place,
		page.Found[dbsqlc.Audit]{Rows: found.Entries, Total: found.Total, Before: found.Before, After: found.After},
		func(row dbsqlc.Audit) AuditEntry { return AuditEntry(row) },
		func(row dbsqlc.Audit) page.Cursor { return page.Cursor{Time: row.CreatedAt, ID: row.ID} })
	return out, nil
}
