package ghsim_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/fly-placer/fly-placer/internal/sim/ghsim"
)

// ask sends one request to the simulator, with its default token unless told
// otherwise ("-" for none).
func ask(t *testing.T, h http.Handler, request, auth, body string) *httptest.ResponseRecorder {
	t.Helper()
	method, target, _ := strings.Cut(request, " ")
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	r.Header.Set("User-Agent", "test")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	switch auth {
	case "":
		r.Header.Set("Authorization", "Bearer "+ghsim.DefaultToken)
	case "-":
	default:
		r.Header.Set("Authorization", auth)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestPagesAreGitHubs(t *testing.T) {
	sim := ghsim.New(ghsim.Config{})
	sim.AddPull(2)
	for i := range 205 {
		sim.AddComment(2, "alice", fmt.Sprint(i))
	}
	const list = "/repos/octo/shop/issues/2/comments"
	for _, tc := range []struct {
		query string
		n     int
		rels  string
	}{
		{"", 30, "next last"},
		{"?per_page=100", 100, "next last"},
		{"?per_page=1000", 100, "next last"},
		{"?per_page=100&page=2", 100, "prev next last first"},
		{"?per_page=100&page=3", 5, "prev first"},
		{"?per_page=100&page=4", 0, "prev first"},
		{"?per_page=x&page=-1", 30, "next last"},
	} {
		w := ask(t, sim, "GET "+list+tc.query, "", "")
		var got []any
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || len(got) != tc.n {
			t.Errorf("%s: %d comments, %v, want %d", tc.query, len(got), err, tc.n)
		}
		var rels []string
		for part := range strings.SplitSeq(w.Header().Get("Link"), ", ") {
			_, rel, _ := strings.Cut(part, `rel="`)
			rels = append(rels, strings.TrimSuffix(rel, `"`))
		}
		if strings.Join(rels, " ") != tc.rels {
			t.Errorf("%s: links %q, want %q", tc.query, rels, tc.rels)
		}
	}
	if w := ask(t, sim, "GET /repos/octo/shop/issues/1/comments", "", ""); w.Header().Get("Link") != "" || w.Body.String() != "[]" {
		t.Errorf("no comments: %s, Link %q", w.Body, w.Header().Get("Link"))
	}
}

func TestAnswersByTokenAndPath(t *testing.T) {
	private := ghsim.New(ghsim.Config{Private: true})
	public := ghsim.New(ghsim.Config{})
	for _, tc := range []struct {
		sim           *ghsim.Server
		request, auth string
		body          string
		status        int
		want          string
	}{
		{public, "GET /repos/octo/shop", "", "", 200, `"full_name":"octo/shop"`},
		{public, "GET /api/v3/repos/octo/shop", "token " + ghsim.DefaultToken, "", 200, `"default_branch":"main"`},
		{public, "GET /repos/octo/shop", "-", "", 200, ""},
		{private, "GET /repos/octo/shop", "-", "", 404, "Not Found"},
		{public, "GET /repos/octo/shop", "Bearer wrong", "", 401, "Bad credentials"},
		{public, "GET /repos/octo/shop", "Basic " + ghsim.DefaultToken, "", 401, "Bad credentials"},
		{public, "GET /repos/octo/shop/pulls/1", "", "", 200, `"number":1`},
		{public, "GET /repos/octo/shop/pulls/2", "", "", 404, ""},
		{public, "GET /user", "", "", 403, "Resource not accessible by integration"},
		{public, "POST /graphql", "", `{"query": "query { viewer { login } }"}`, 200, `"login":"github-actions[bot]"`},
		{public, "POST /graphql", "", `{"query": "{ repository }"}`, 200, `"errors"`},
		{public, "POST /repos/octo/shop/issues/1/comments", "-", `{"body": "x"}`, 401, "Requires authentication"},
		{public, "POST /repos/octo/shop/issues/1/comments", "", `{"body": `, 400, "Problems parsing JSON"},
		{public, "POST /repos/octo/shop/issues/1/comments", "", `{}`, 422, "missing_field"},
		{public, "PUT /repos/octo/shop/contents/x", "", `{}`, 404, ""},
		{public, "GET /elsewhere", "", "", 404, ""},
	} {
		w := ask(t, tc.sim, tc.request, tc.auth, tc.body)
		if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.want) {
			t.Errorf("%s as %q: %d %.200s, want %d %q", tc.request, tc.auth, w.Code, w.Body, tc.status, tc.want)
		}
	}
}

func TestFaultHitsTheRequestsThatItNames(t *testing.T) {
	sim := ghsim.New(ghsim.Config{})
	sim.AddFault(ghsim.Fault{Kind: ghsim.Status, Status: 500, Method: "GET", Path: "/comments", From: 2, To: 3})
	var got []int
	for _, request := range []string{"GET /repos/octo/shop", "GET /repos/octo/shop/issues/1/comments"} {
		for range 4 {
			got = append(got, ask(t, sim, request, "", "").Code)
		}
	}
	if want := "[200 200 200 200 200 500 500 200]"; fmt.Sprint(got) != want {
		t.Errorf("statuses %v, want %s", got, want)
	}
}
