package target

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/internal/tlstest"
)

// What does not pass by itself is not tried again, and the error names the host
// and what can be done.
func TestWaysThatDoNotLeadThere(t *testing.T) {
	trusted := tlstest.NewAuthority(t)
	for _, w := range tlstest.Troubles(t, trusted) {
		for kind, yaml := range map[string]string{"http": "{url: %q}", "openai": "{model: m, base_url: %q}"} {
			t.Run(w.Name+" "+kind, func(t *testing.T) {
				transport := newClient(1).Transport.(once).RoundTripper.(*http.Transport)
				app := over(t, kind, fmt.Sprintf(yaml, w.URL), w.Through(t, transport, trusted))
				_, err := app.Respond(t.Context(), harness.Input{})
				var e *harness.Error
				require.ErrorAs(t, err, &e)
				assert.Equal(t, w.Permanent, e.Permanent, e.Message)
				assert.Equal(t, harness.KindApp, e.Kind)
				assert.Contains(t, e.Message, w.URL)
				assert.Contains(t, e.Message, w.Says)
			})
		}
	}
}
