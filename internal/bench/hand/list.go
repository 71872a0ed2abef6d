package hand

import (
	"net/http"
	"net/url"
	"strconv"
)

// page is a page of users on the wire.
type page struct {
	Data       []User     `json:"data"`
	Pagination pagination `json:"pagination"`
}

type pagination struct {
	Page  int     `json:"page"`
	Limit int     `json:"limit"`
	Total int64   `json:"total"`
	Pages int64   `json:"pages"`
	Next  *string `json:"next"`
	Prev  *string `json:"prev"`
}

// wanted is what a request asks of the list.
type wanted struct {
	page, limit  int
	role         string
	order        order
	sort, cursor string
}

// order is an order of users. Statements are put together from it, so it never
// holds anything that was sent.
type order struct {
	key  string
	desc bool
}

var orders = map[string]order{
	"":           {"created_at", true},
	"-createdAt": {"created_at", true},
	"createdAt":  {"created_at", false},
	"name":       {byName, false},
	"-name":      {byName, true},
	"email":      {"email", false},
	"-email":     {"email", true},
}

const byName = `lower(name COLLATE roster) COLLATE "C"`

// roles are the roles to filter by, as conditions.
var roles = map[string]string{
	"": "", "admin": "role = 'admin'", "editor": "role = 'editor'", "viewer": "role = 'viewer'",
}

func want(w http.ResponseWriter, r *http.Request) (wanted, bool) {
	asked := wanted{page: 1, limit: 20, order: orders[""]}
	if r.URL.RawQuery == "" {
		return asked, true
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	okSort, okRole := true, true
	for name, values := range query {
		value := values[0]
		switch name {
		case "page":
			asked.page, err = strconv.Atoi(value)
		case "limit":
			asked.limit, err = strconv.Atoi(value)
		case "sort":
			asked.sort = value
			asked.order, okSort = orders[value]
		case "role":
			asked.role = value
			_, okRole = roles[value]
		case "cursor":
			asked.cursor = value
		}
		if err != nil {
			break
		}
	}
	if err != nil || !okSort || !okRole || asked.page < 1 || asked.limit < 1 || asked.limit > 100 {
		http.Error(w, "no such page", http.StatusUnprocessableEntity)
		return asked, false
	}
	return asked, true
}

func pages(total int64, limit int) int64 { return (total + int64(limit) - 1) / int64(limit) }
