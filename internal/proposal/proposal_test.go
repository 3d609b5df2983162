package proposal_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/proposal"
	"github.com/fly-placer/fly-placer/internal/region"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

type counts = map[string]map[region.Code]int

func entry(app, digest string) proposal.Entry {
	return proposal.Entry{App: app, Digest: digest, Placement: counts{"web": {"ams": 2, "iad": 1}}, Text: "## " + app + ": open ams\n\nbecause of " + digest}
}

func TestABodySaysWhatIsProposedAndRemembersIt(t *testing.T) {
	got := proposal.Body("", "Merging this applies it.", []proposal.Entry{entry("shop", "sha256:1")}, noon)
	const want = `<!-- fly-placer:app shop -->
## shop: open ams

because of sha256:1
<!-- fly-placer:end -->

Merging this applies it.

<!-- fly-placer:proposal:v1 {"apps":{"shop":{"digest":"sha256:1","confirmed_at":"2026-11-23T12:00:00Z","placement":{"web":{"ams":2,"iad":1}}}}} -->`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	m := proposal.Memory(got)["shop"]
	if m.Digest != "sha256:1" || !m.Confirmed.Equal(noon) {
		t.Errorf("it remembers %+v", m)
	}
}

func TestWhatWasReviewedStaysAsItWasRead(t *testing.T) {
	old := proposal.Body("", "intro", []proposal.Entry{entry("shop", "sha256:1")}, noon)
	again := entry("shop", "sha256:1")
	again.Text = "## shop: other figures"
	later := proposal.Body(old, "intro", []proposal.Entry{again}, noon.Add(24*time.Hour))
	if want := strings.ReplaceAll(old, "11-23T12", "11-24T12"); later != want {
		t.Errorf("more than the time of confirmation changed:\n%s\nwant\n%s", later, want)
	}
	other := proposal.Body(old, "intro", []proposal.Entry{entry("shop", "sha256:2")}, noon)
	if strings.Contains(other, "sha256:1") || !strings.Contains(other, "because of sha256:2") {
		t.Errorf("another decision:\n%s", other)
	}
}

func TestAnotherAppsSectionAndWordsOfPeopleStay(t *testing.T) {
	body := proposal.Body("", "intro", []proposal.Entry{entry("shop", "sha256:1")}, noon)
	body = "Please look at ams first.\r\n\r\n" + strings.ReplaceAll(strings.Replace(body, "intro", "", 1), "\n", "\r\n") + "\r\n\r\n/cc @ann"
	body = proposal.Body(body, "intro", []proposal.Entry{entry("api", "sha256:3")}, noon)
	for _, want := range []string{"Please look at ams first.", "because of sha256:1", "because of sha256:3", "/cc @ann"} {
		if !strings.Contains(body, want) {
			t.Errorf("%q is gone:\n%s", want, body)
		}
	}
	if strings.Contains(body, "intro") || strings.Index(body, "app api") > strings.Index(body, "app shop") {
		t.Errorf("in another order, or with an intro:\n%s", body)
	}
	body = proposal.Body(body, "intro", []proposal.Entry{{App: "shop"}}, noon)
	if _, there := proposal.Memory(body)["shop"]; there || strings.Contains(body, "sha256:1") {
		t.Errorf("what was withdrawn is there:\n%s", body)
	}
	if m := proposal.Memory(body); len(m) != 1 || m["api"].Digest != "sha256:3" {
		t.Errorf("it remembers %+v", m)
	}
}

func TestNothingIsLeftOfWhatIsWithdrawn(t *testing.T) {
	body := proposal.Body("", "outro", []proposal.Entry{entry("shop", "sha256:1")}, noon)
	for range 3 {
		if body = proposal.Body(body, "outro", []proposal.Entry{{App: "shop"}}, noon); body != "outro" {
			t.Fatalf("%q", body)
		}
	}
}

func TestNothingIsRememberedOfOtherBodies(t *testing.T) {
	for _, body := range []string{
		"", "a pull request", "<!-- fly-placer:proposal:v1 {} -->", "<!-- fly-placer:proposal:v1 {\"apps\":[]} -->",
		"> <!-- fly-placer:proposal:v1 {\"apps\":{\"shop\":{\"digest\":\"x\"}}} -->", "<!-- fly-placer:proposal:v2 {\"apps\":{\"shop\":{\"digest\":\"x\"}}} -->",
	} {
		if m := proposal.Memory(body); len(m) != 0 {
			t.Errorf("%q: %v", body, m)
		}
	}
}

func TestLongSectionsGiveWay(t *testing.T) {
	long := entry("shop", "sha256:1")
	long.Text += "\n" + strings.Repeat("ä long report\n", 5000)
	body := proposal.Body("", "intro", []proposal.Entry{long, entry("api", "sha256:2")}, noon)
	if len([]rune(body)) > proposal.MaxBody || !strings.Contains(body, "## shop: open ams\n\nShortened") || !strings.Contains(body, "because of sha256:2") {
		t.Errorf("%d characters:\n%.300s", len([]rune(body)), body)
	}
	if again := proposal.Body(body, "intro", []proposal.Entry{long}, noon); again != body {
		t.Error("the same again is another body")
	}
}

func TestTheSameIsProposedWhateverIsAssumed(t *testing.T) {
	m := proposal.Remembered{Placement: counts{"web": {"ams": 2, "iad": 1}}}
	for want, placements := range map[bool][]counts{
		true:  {{"web": {"ams": 2, "iad": 1}}, {"web": {"ams": 2, "iad": 1, "fra": 0}}},
		false: {{"web": {"ams": 2, "iad": 2}}, {"web": {"ams": 2}}, {"app": {"ams": 2, "iad": 1}}, {}},
	} {
		for _, p := range placements {
			if got := m.Same(p); got != want {
				t.Errorf("%v: %v", p, got)
			}
		}
	}
}

// Jobs that each write their own app into one body, in any order and again and
// again, come to the same body.
func TestJobsAgreeOnABody(t *testing.T) {
	apps := []string{"api", "shop", "web"}
	want := proposal.Body("", "intro", []proposal.Entry{entry("api", "sha256:1"), entry("shop", "sha256:1"), entry("web", "sha256:1")}, noon)
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		body, done := "", map[string]bool{}
		for len(done) < len(apps) {
			app := apps[r.IntN(len(apps))]
			done[app] = true
			body = proposal.Body(body, "intro", []proposal.Entry{entry(app, "sha256:1")}, noon)
		}
		if body != want {
			t.Fatalf("seed %d:\n%s\nwant\n%s", seed, body, want)
		}
	}
}

// Whatever a body is, writing to it twice is the same as once, and what was
// written is remembered.
func FuzzBody(f *testing.F) {
	f.Add("", "shop")
	f.Add("<!-- fly-placer:app shop -->\nx", "api")
	f.Add("a\n<!-- fly-placer:app shop -->\n<!-- fly-placer:app api -->\n<!-- fly-placer:end -->\nb", "api")
	f.Add(proposal.Body("", "", []proposal.Entry{entry("shop", "sha256:1")}, noon), "shop")
	f.Fuzz(func(t *testing.T, old, app string) {
		e := entry("shop", "sha256:9")
		once := proposal.Body(old, "intro", []proposal.Entry{e}, noon)
		if twice := proposal.Body(once, "intro", []proposal.Entry{e}, noon); twice != once {
			t.Errorf("once\n%q\ntwice\n%q", once, twice)
		}
		// Without sections nobody knows what was written before and what behind them.
		gone := proposal.Body(once, "intro", []proposal.Entry{{App: "shop"}}, noon)
		gone = proposal.Body(gone, "intro", []proposal.Entry{{App: "shop"}}, noon)
		if again := proposal.Body(gone, "intro", []proposal.Entry{{App: "shop"}}, noon); again != gone {
			t.Errorf("withdrawn once\n%q\ntwice\n%q", gone, again)
		}
		if m := proposal.Memory(once)["shop"]; m.Digest != e.Digest || !m.Same(e.Placement) {
			t.Errorf("it remembers %+v", m)
		}
		before, after := proposal.Memory(old), proposal.Memory(once)
		delete(before, "shop")
		delete(after, "shop")
		if got, want := fmt.Sprint(slices.Sorted(maps.Keys(after))), fmt.Sprint(slices.Sorted(maps.Keys(before))); got != want {
			t.Errorf("it remembers %s of others, and did %s", got, want)
		}
	})
}
