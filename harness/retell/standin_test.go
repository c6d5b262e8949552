package retell_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/retell"
	"github.com/evalrun/evalrun/harness/retell/retellserver"
)

// Over a network, against the stand-in: a thousand test cases, pages, and answers
// that are lost.
func TestAgainstTheStandIn(t *testing.T) {
	lost := 0
	h := retellserver.New(retellserver.Config{APIKey: key, Faults: retellserver.Faults{Request: func(r retellserver.Request) retellserver.Fault {
		if r.Op == retellserver.OpCreateBatch && r.N%2 == 0 {
			lost++
			return retellserver.Fault{DropAfter: true}
		}
		return retellserver.Fault{}
	}}})
	server := httptest.NewServer(h)
	defer server.Close()
	c, err := retell.New(retell.Config{BaseURL: server.URL, APIKey: key})
	require.NoError(t, err)
	defer c.Close()
	d, err := c.CreateTestCaseDefinition(t.Context(), retell.TestCaseDefinitionInput{Name: "n", UserPrompt: "p", ResponseEngine: &engine})
	require.NoError(t, err)
	ids := make([]string, retell.MaxBatch)
	for i := range ids {
		ids[i] = d.ID
	}
	seen := map[string]bool{}
	for range 4 {
		in, err := c.Intend(t.Context(), request(ids...))
		require.NoError(t, err)
		b, err := c.Start(t.Context(), in)
		require.NoError(t, err)
		seen[b.ID] = true
		n := 0
		for r, err := range c.AllTestRuns(t.Context(), b.ID) {
			require.NoError(t, err)
			assert.Equal(t, d.ID, r.DefinitionID)
			n++
		}
		assert.Equal(t, retell.MaxBatch, n)
	}
	assert.Len(t, seen, 4)
	assert.Len(t, h.Batches(), 4)
	assert.Equal(t, 2, lost)
}

// Definitions with large mocks come in answers of a size that is taken.
func TestLargeDefinitionsAreListed(t *testing.T) {
	mock := retell.ToolMock{ToolName: "t", InputMatchRule: retell.MatchRule{Type: retell.MatchAny}, Output: strings.Repeat("x", 10_000)}
	config := retellserver.Config{}
	for i := range 200 {
		config.Definitions = append(config.Definitions, retell.TestCaseDefinition{Name: strconv.Itoa(i), ResponseEngine: engine, ToolMocks: []retell.ToolMock{mock}})
	}
	c, err := retell.New(retell.Config{BaseURL: "http://localhost", HTTPClient: &http.Client{Transport: retellserver.New(config).Transport()}, MaxBody: 3 << 19})
	require.NoError(t, err)
	n := 0
	for _, err := range c.AllTestCaseDefinitions(t.Context(), engine) {
		require.NoError(t, err)
		n++
	}
	assert.Equal(t, 200, n)
}

// Cases have the names of their definitions, with the ID behind where the name does
// not tell them apart.
func TestCasesAreCalledByTheirNames(t *testing.T) {
	h := retellserver.New(retellserver.Config{})
	c, err := retell.New(retell.Config{BaseURL: "http://localhost", HTTPClient: &http.Client{Transport: h.Transport()}})
	require.NoError(t, err)
	defer c.Close()
	ids := map[string][]string{}
	for _, name := range []string{"refund", "late", "late"} {
		d, err := c.CreateTestCaseDefinition(t.Context(), retell.TestCaseDefinitionInput{Name: name, UserPrompt: "p", Metrics: []string{"polite"}, ResponseEngine: &engine})
		require.NoError(t, err)
		ids[name] = append(ids[name], d.ID)
	}
	page, err := (&retell.Source{Client: c, Engine: engine, Choice: retell.Choice{All: true}}).Page(t.Context(), "")
	require.NoError(t, err)
	var names []string
	for _, tc := range page.Cases {
		names = append(names, tc.ID)
	}
	assert.ElementsMatch(t, []string{"refund", "late (" + ids["late"][0] + ")", "late (" + ids["late"][1] + ")"}, names)
}
