package hand

import (
	"net/http"
	"strconv"

	"github.com/jackc/pgx/v5/pgxpool"
)

// SeedWay serves users as the seed does: a page by OFFSET and, at the same time,
// a count of all rows, as Prisma's findMany and count in one Promise.all. It
// knows no cursors.
func SeedWay(pool *pgxpool.Pool) http.Handler {
	return newUsers(pool).handler(func(w http.ResponseWriter, r *http.Request) {
		asked, ok := want(w, r)
		if !ok {
			return
		}
		where := ""
		if asked.role != "" {
			where = " WHERE " + roles[asked.role]
		}
		direction := " ASC"
		if asked.order.desc {
			direction = " DESC"
		}

		found := page{Data: make([]User, 0, asked.limit)}
		counted := make(chan error, 1)
		go func() {
			counted <- pool.QueryRow(r.Context(), "SELECT count(*) FROM users"+where).Scan(&found.Pagination.Total)
		}()
		rows, err := pool.Query(r.Context(), "SELECT "+columns+" FROM users"+where+
			" ORDER BY "+asked.order.key+direction+", id"+direction+
			" LIMIT "+strconv.Itoa(asked.limit)+" OFFSET $1", (asked.page-1)*asked.limit)
		if err == nil {
			for rows.Next() {
				found.Data = append(found.Data, User{})
				if err = found.Data[len(found.Data)-1].scan(rows); err != nil {
					break
				}
			}
			rows.Close()
			if err == nil {
				err = rows.Err()
			}
		}
		if e := <-counted; err == nil {
			err = e
		}
		if err != nil {
			fail(w, err)
			return
		}
		found.Pagination.Page, found.Pagination.Limit = asked.page, asked.limit
		found.Pagination.Pages = pages(found.Pagination.Total, asked.limit)
		answer(w, http.StatusOK, &found)
	})
}
