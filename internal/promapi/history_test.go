package promapi_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/sim/promsim"
)

const testToken = "fm2_lJPECAAAAAAAAtest"

// serve starts sim on loopback and returns the address of the organization.
func serve(t *testing.T, sim *promsim.Server) string {
	t.Helper()
	srv := httptest.NewServer(sim)
	t.Cleanup(srv.Close)
	return srv.URL + "/prometheus/acme/"
}

func newSim() *promsim.Server {
	return promsim.New(promsim.Config{Org: "acme", Token: testToken, Now: func() time.Time { return worldNow }})
}

func TestFiguresAreWhatHappened(t *testing.T) {
	sim := newSim()
	w := record(t, sim)
	client := newClient(t, serve(t, sim), "FlyV1 "+testToken, nil)
	t.Run("traffic", func(t *testing.T) { checkTraffic(t, client, w) })
	t.Run("history", func(t *testing.T) { checkHistory(t, client, w) })
}
