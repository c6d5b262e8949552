package tlstest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/evalrun/evalrun/harness/internal/tlstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestNoTroubleLeadsToAServer: a request fails on each of the ways.
func TestNoTroubleLeadsToAServer(t *testing.T) {
	trusted := tlstest.NewAuthority(t)
	for _, trouble := range tlstest.Troubles(t, trusted) {
		t.Run(trouble.Name, func(t *testing.T) {
			client := &http.Client{Transport: trouble.Through(t, &http.Transport{}, trusted)}
			resp, err := client.Get(trouble.URL)
			if err == nil {
				_ = resp.Body.Close()
			}
			require.Error(t, err)
		})
	}
}
