package flyapi

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

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
