package flyapi

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/secret"
)

// An answer that could be read, but for its length. A write has one attempt.
func TestAnAnswerIsBounded(t *testing.T) {
	blank := strings.Repeat(" ", 1<<20)
	for name, test := range map[string]struct {
		more int // bytes beside the blanks
		want string
	}{
		"no larger than allowed": {0, ""},
		"a byte larger":          {1, "larger than 64 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				const machine = `{"id":"1"}`
				_, _ = io.WriteString(w, machine)
				for range 63 {
					_, _ = io.WriteString(w, blank)
				}
				_, _ = io.WriteString(w, blank[:1<<20-len(machine)+test.more])
			}))
			defer server.Close()
			w := &world{t: t, url: server.URL, now: time.Now()}
			err := launch(t.Context(), w.dial(Options{Token: secret.New(token)}))
			if test.want == "" && err != nil {
				t.Errorf("%v", err)
			}
			if test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// The client hangs up on an answer without an end instead of reading it.
func TestAnAnswerWithoutAnEndIsLeft(t *testing.T) {
	const most = 128 // MiB that the server has to say
	said := make(chan int, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		blank, n := strings.Repeat(" ", 1<<20), 0
		for ; n < most; n++ {
			if _, err := io.WriteString(w, blank); err != nil {
				break
			}
		}
		said <- n
	}))
	defer server.Close()
	w := &world{t: t, url: server.URL, now: time.Now()}
	if err := launch(t.Context(), w.dial(Options{Token: secret.New(token)})); err == nil {
		t.Error("an answer without an end was taken")
	}
	if n := <-said; n == most {
		t.Errorf("all of %d MiB were read", n)
	}
}

// What is too large will be too large again.
func TestAnAnswerThatIsTooLargeIsReadOnce(t *testing.T) {
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests++
		blank := strings.Repeat(" ", 1<<20)
		for range 65 {
			if _, err := io.WriteString(w, blank); err != nil {
				return
			}
		}
	}))
	w := &world{t: t, url: server.URL, now: time.Now()}
	_, err := w.dial(Options{Token: secret.New(token)}).Org(t.Context(), "shop")
	server.Close() // waits for the handler
	if err == nil || !strings.Contains(err.Error(), "larger than 64 MiB") || !strings.Contains(strings.Join(hint.Of(err), ""), "proxy") {
		t.Errorf("%v, hints %q", err, hint.Of(err))
	}
	if requests != 1 {
		t.Errorf("%d requests, want 1", requests)
	}
}
