package ghapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fly-placer/fly-placer/internal/ghapi"
	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/sim/ghsim"
)

// everyFault is what can come instead of an answer, or after the effect of one.
func everyFault() []ghsim.Fault {
	faults := []ghsim.Fault{
		{Kind: ghsim.Secondary403},
		{Kind: ghsim.Secondary403, After: 7},
		{Kind: ghsim.Secondary429},
		{Kind: ghsim.Secondary429, After: 7, Done: true},
		{Kind: ghsim.Primary, After: 20},
		{Kind: ghsim.Reset},
		{Kind: ghsim.Reset, Done: true},
		{Kind: ghsim.Truncated},
		{Kind: ghsim.HTML},
		{Kind: ghsim.HTML, Done: true},
		{Kind: ghsim.HTML, Status: 502},
		{Kind: ghsim.Echo},
		{Kind: ghsim.Echo, Status: 500, Done: true},
		{Kind: ghsim.Status, Status: 422, Message: "Update is not a fast forward"},
		{Kind: ghsim.Status, Status: 422, Message: "Reference already exists"},
		{Kind: ghsim.Status, Status: 422, Message: "Validation Failed", Done: true},
	}
	for _, status := range []int{400, 401, 403, 404, 408, 409, 410, 422, 451, 500, 502, 503, 504} {
		faults = append(faults, ghsim.Fault{Kind: ghsim.Status, Status: status})
		if status == 408 || status >= 500 {
			faults = append(faults, ghsim.Fault{Kind: ghsim.Status, Status: status, Done: true})
		}
	}
	return faults
}

// ofReads are those that a read is tried with.
func ofReads() []ghsim.Fault {
	faults := []ghsim.Fault{
		{Kind: ghsim.Secondary403},
		{Kind: ghsim.Secondary429, After: 7},
		{Kind: ghsim.Primary, After: 20},
		{Kind: ghsim.Reset},
		{Kind: ghsim.Truncated},
		{Kind: ghsim.HTML},
		{Kind: ghsim.Echo},
	}
	for _, status := range []int{401, 403, 404, 410, 502} {
		faults = append(faults, ghsim.Fault{Kind: ghsim.Status, Status: status})
	}
	return faults
}

// stories are proposals and what came before them.
var stories = []struct {
	name   string
	before func(*testing.T, *world)
	d      decisions
	left   string // of pull request 1
}{
	{"new", func(*testing.T, *world) {}, decisions{"shop": "ams2"}, "open"},
	{"update", func(t *testing.T, w *world) {
		propose(t, w, decisions{"shop": "ams2", "blog": "iad1"}, withExtras)
		w.sim.Commit("alice", "main", "Change something", map[string][]byte{"README.md": []byte("new\n")})
	}, decisions{"shop": "ams3"}, "open"},
	{"close", func(t *testing.T, w *world) { propose(t, w, decisions{"shop": "ams2"}, withExtras) }, decisions{"shop": ""}, "closed"},
	{"leave alone", func(t *testing.T, w *world) {
		propose(t, w, decisions{"shop": "ams2"}, withExtras)
		w.sim.Commit("alice", branch, "I know better", map[string][]byte{pathOf("shop"): []byte("ams7\n")})
	}, decisions{"shop": "ams3"}, "open"},
}

func withExtras(r *ghapi.ProposalRequest) {
	r.Labels, r.Reviewers = []string{"placement"}, []string{"alice"}
}

// result is everything that a proposal leaves behind.
type result struct {
	Files    decisions
	Pulls    []ghapi.Pull
	Comments []string
}

func (w *world) result(t *testing.T) result {
	t.Helper()
	all, err := w.client.PullsOfBranch(t.Context(), repo, branch, "all")
	if err != nil {
		t.Fatal(err)
	}
	out := result{Files: w.files(t, 1)}
	for _, p := range all {
		p.URL, p.ClosedAt = "", p.ClosedAt.Truncate(1)
		p.HeadSHA, p.BaseSHA, p.ClosedAt = "", "", p.MergedAt
		out.Pulls = append(out.Pulls, p)
	}
	for _, c := range w.sim.Comments(1) {
		// Which commit was the human's depends on the time of day.
		body, _, _ := strings.Cut(c.Body, "\n\n- ")
		out.Comments = append(out.Comments, body)
	}
	return out
}

// Whatever goes wrong at whichever request: at the latest a second run, on a day
// without faults, ends where one without any fault ends, with one branch, one pull
// request and no write too many.
func TestAFaultAtAnyRequestEndsInTheSameState(t *testing.T) {
	for _, story := range stories {
		t.Run(story.name, func(t *testing.T) {
			t.Parallel()
			begin := func() (*world, int) {
				w := start(t, noPulls())
				w.sim.AddFile("README.md", []byte("shop\n"))
				story.before(t, w)
				return w, len(w.sim.Requests())
			}
			run := func(w *world) (ghapi.Proposal, error) {
				r := request(story.d)
				withExtras(&r)
				return w.client.Propose(t.Context(), r)
			}
			w, since := begin()
			if p, err := run(w); err != nil || p.Warnings != nil {
				t.Fatal(p.Warnings, err)
			}
			clean := w.sim.Requests()[since:]
			writes := len(w.writes(since))
			want := w.result(t)
			if len(want.Pulls) != 1 || want.Pulls[0].State != story.left {
				t.Fatalf("left: %+v", want)
			}
			for n, at := range clean {
				faults := everyFault()
				if at.Method == http.MethodGet {
					faults = ofReads()
				}
				for i, fault := range faults {
					if at.Method == http.MethodGet && (n+i)%3 != 0 {
						continue // all of them with every third read: what an answer means is the same for all
					}
					fault.From = n + 1
					name := fmt.Sprintf("%+v at %s %s", fault, at.Method, at.Path)
					w, since := begin()
					w.sim.AddFault(fault)
					p, err := run(w)
					w.sim.ClearFaults()
					if err != nil && strings.Contains(err.Error(), ghsim.DefaultToken) {
						t.Errorf("%s: the error tells the token: %v", name, err)
					}
					if err != nil && len(hint.Of(err)) == 0 && !strings.Contains(err.Error(), "GitHub rejects the request") {
						t.Errorf("%s: no hint with %v", name, err)
					}
					if n := len(w.writes(since)); n > writes+8 {
						t.Errorf("%s: %d writes, without it %d", name, n, writes)
					}
					want := want
					if err != nil || p.Warnings != nil {
						if p, err := run(w); err != nil || p.Warnings != nil {
							t.Errorf("%s: the run after it: %v, %v", name, p.Warnings, err)
						}
						if story.left == "closed" && len(w.sim.Comments(1)) == 0 {
							want.Comments = nil // it follows the closing, and nobody comes back for it
						}
					}
					if diff := cmp.Diff(want, w.result(t)); diff != "" {
						t.Errorf("%s: (-want +got):\n%s", name, diff)
					}
				}
			}
		})
	}
}
