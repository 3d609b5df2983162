package ghapi_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fly-placer/fly-placer/internal/endpoint"
	"github.com/fly-placer/fly-placer/internal/ghapi"
	"github.com/fly-placer/fly-placer/internal/sim/ghsim"
)

// far is a GitHub at a distance: each request takes between 30 and 400 ms there
// and as long back, by the clock of the test's bubble.
type far struct {
	handler http.Handler
	mu      sync.Mutex
	rand    *rand.Rand
}

func (f *far) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := f.travel(req.Context()); err != nil {
		return nil, err
	}
	in := req.Clone(req.Context())
	in.Host = req.URL.Host
	if in.Body == nil { // as a server sees it
		in.Body = http.NoBody
	}
	rec := httptest.NewRecorder()
	f.handler.ServeHTTP(rec, in)
	if err := f.travel(req.Context()); err != nil {
		return nil, err
	}
	return rec.Result(), nil
}

func (f *far) travel(ctx context.Context) error {
	f.mu.Lock()
	d := 30*time.Millisecond + time.Duration(f.rand.Int64N(int64(370*time.Millisecond)))
	f.mu.Unlock()
	return endpoint.Sleep(ctx, d)
}

// Eight jobs of a matrix, each with its own app, at the same time: whatever the
// order in which their requests arrive, every decision and every line of the body
// is there in the end, in one pull request.
func TestParallelJobsLoseNothing(t *testing.T) {
	const jobs = 8
	seeds := uint64(8)
	if testing.Short() {
		seeds = 2
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &world{sim: ghsim.New(noPulls())}
				w.sim.AddFile(pathOf("job0"), []byte("fra1\n"))
				net := &far{handler: w.sim, rand: rand.New(rand.NewPCG(seed, 0))}
				job := func(app, data string) (ghapi.Proposal, error) {
					c, err := ghapi.New(ghapi.Options{APIURL: "http://localhost", Token: ghsim.DefaultToken, HTTP: net})
					if err != nil {
						return ghapi.Proposal{}, err
					}
					return c.Propose(t.Context(), request(decisions{app: data}))
				}
				w.client, _ = ghapi.New(ghapi.Options{APIURL: "http://localhost", Token: ghsim.DefaultToken, HTTP: net})
				night := func(data func(n int) string) []string {
					out := make([]string, jobs)
					var wait sync.WaitGroup
					for n := range jobs {
						wait.Go(func() {
							p, err := job(fmt.Sprintf("job%d", n), data(n))
							out[n] = p.Operation
							if err != nil || p.Warnings != nil || p.Touched != nil {
								t.Errorf("job %d: %+v, %v", n, p, err)
							}
						})
					}
					wait.Wait()
					return out
				}
				w.wantAll(t, night, 1, func(n int) string { return fmt.Sprintf("ams%d", n+2) })
				// The next night all of them change their minds, and some have nothing left.
				w.wantAll(t, night, 1, func(n int) string {
					if n%3 == 1 {
						return ""
					}
					return fmt.Sprintf("fra%d", n+2)
				})
				// Then a single one proposes and the others withdraw, all at once.
				w.wantAll(t, night, 1, func(n int) string {
					if n == int(seed%jobs) {
						return "iad9"
					}
					return ""
				})
				ops := night(func(int) string { return "" })
				open, err := w.client.PullsOfBranch(t.Context(), repo, branch, "open")
				if err != nil || len(open) != 0 || !slices.Contains(ops, "closed") {
					t.Errorf("with nothing left: %v, open %+v, %v", ops, open, err)
				}
				time.Sleep(ghapi.DefaultTimeout) // go-github doesn't close error answers, whose timers end only now
			})
		})
	}
}

// wantAll runs a night and looks at what is proposed in the end.
func (w *world) wantAll(t *testing.T, night func(func(int) string) []string, created int, data func(int) string) {
	t.Helper()
	before := len(w.sim.Requests())
	night(data)
	all, err := w.client.PullsOfBranch(t.Context(), repo, branch, "all")
	if err != nil || len(all) != created || all[0].State != "open" {
		t.Fatalf("pull requests = %+v, %v", all, err)
	}
	files, body := decisions{}, ""
	for n := range 8 {
		if data(n) == "" {
			continue
		}
		app := fmt.Sprintf("job%d", n)
		files[app] = data(n)
		body += app + ": proposed " + data(n) + "\n"
	}
	if diff := cmp.Diff(files, w.files(t, all[0].Number)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(body, strings.TrimSpace(all[0].Body)+"\n"); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
	if n := len(w.writes(before)); n > 8*40 {
		t.Errorf("%d writes", n)
	}
}
