package retell_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/retell"
)

// A definition that is created while the list is read moves its pages: one comes
// twice, and the list is read again.
func TestSourceOfAListThatChanges(t *testing.T) {
	p := newPlatform(t)
	p.paged = 2
	c := p.client()
	create := func(name string) {
		_, err := c.CreateTestCaseDefinition(t.Context(), retell.TestCaseDefinitionInput{Name: name, UserPrompt: "p", ResponseEngine: &engine})
		require.NoError(t, err)
	}
	for _, name := range []string{"a", "b", "c"} {
		create(name)
	}
	created := false
	p.fault = func(r *http.Request, serve func() *http.Response) (*http.Response, error) {
		if strings.HasPrefix(r.URL.Path, "/v2/") && r.URL.Query().Get("pagination_key") != "" && !created {
			created = true
			create("d")
		}
		return serve(), nil
	}
	s := &retell.Source{Client: c, Engine: engine, Choice: retell.Choice{All: true}}
	page, err := s.Page(t.Context(), "")
	require.NoError(t, err)
	assert.Len(t, page.Cases, 4)
}
