package retellserver

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/evalrun/evalrun/harness/retell"
)

// turn is one turn of a conversation, or a call of a tool, or its answer.
type turn struct {
	Role       string `json:"role"`
	Content    string `json:"content,omitzero"`
	ToolCallID string `json:"tool_call_id,omitzero"`
	Name       string `json:"name,omitzero"`
	Arguments  string `json:"arguments,omitzero"`
}

// snapshot is the simulator's own form of a transcript: the platform documents
// none.
type snapshot struct {
	Messages         []turn            `json:"messages"`
	DynamicVariables map[string]string `json:"dynamic_variables"`
	// CurrentState is of retell-llm, CurrentNodeID of conversation-flow.
	CurrentState  string `json:"current_state,omitzero"`
	CurrentNodeID string `json:"current_node_id,omitzero"`
}

// What is said and explained, one of each list for each run.
var (
	greetings = [...]string{"Hello, thanks for calling. How can I help you?", "Hi, you have reached our front desk. What can I do for you?", "Good day, how may I help?"}
	questions = [...]string{"Could you tell me a little more about that?", "Let me make sure that I have understood you.", "One moment, I am having a look."}
	thanks    = [...]string{"Thank you, that is all I needed.", "Great, thanks for your help.", "Perfect. Goodbye."}
	refusals  = [...]string{"I am afraid that I can't help with that.", "Let me repeat: how can I help you?", "I have ended your request. Goodbye."}
	misses    = [...]string{"the agent ended the call before it was done", "the agent did not do what the caller asked for", "the agent repeated itself and did not answer the question"}
	troubles  = [...]string{"the response engine did not answer in time", "the model of the simulated caller was not available", "a tool call could not be carried out"}
)

func pick(random *rand.Rand, from []string) string { return from[random.IntN(len(from))] }

// random is the same on each call, and another than that of the verdict.
func (r *run) random(purpose byte) *rand.Rand {
	seed := r.seed
	seed[0] ^= purpose
	return rand.New(rand.NewChaCha8(seed))
}

// explain says why the run has its verdict.
func (r *run) explain() string {
	random, metrics := r.random(1), r.definition.Metrics
	switch {
	case r.verdict == retell.StatusError:
		return "The simulation stopped: " + pick(random, troubles[:]) + "."
	case len(metrics) == 0 && r.verdict == retell.StatusPass:
		return "The caller got what the scenario asks for."
	case len(metrics) == 0:
		return "The scenario was not fulfilled: " + pick(random, misses[:]) + "."
	case r.verdict == retell.StatusPass:
		return fmt.Sprintf("All metrics (%d) were met: %s.", len(metrics), quoted(metrics))
	}
	return fmt.Sprintf("Metric not met: %q: %s.", metrics[random.IntN(len(metrics))], pick(random, misses[:]))
}

func quoted(all []string) string {
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = strconv.Quote(s)
	}
	return strings.Join(out, ", ")
}

// transcript is the conversation of a run that is over. It calls each mocked tool
// once. One that ended as an error ends in the middle.
func (r *run) transcript() json.RawMessage {
	random := r.random(2)
	out := snapshot{DynamicVariables: r.definition.DynamicVariables}
	if r.engine.Type == retell.EngineFlow {
		out.CurrentNodeID = "node-" + strconv.Itoa(1+random.IntN(9))
	} else {
		out.CurrentState = "default_state"
	}
	say := func(role, content string) {
		out.Messages = append(out.Messages, turn{Role: role, Content: content})
	}
	say("agent", pick(random, greetings[:]))
	say("user", opening(r.definition.UserPrompt))
	say("agent", pick(random, questions[:]))
	if r.verdict != retell.StatusError {
		for i, mock := range r.definition.ToolMocks {
			out.Messages = append(out.Messages, calls(mock, "tool_call_"+strconv.Itoa(i+1))...)
		}
		if r.verdict == retell.StatusPass {
			say("agent", "That is done.")
			say("user", pick(random, thanks[:]))
		} else {
			say("agent", pick(random, refusals[:]))
			say("user", "That is not what I asked for.")
		}
	}
	data, err := json.Marshal(out)
	if err != nil {
		return json.RawMessage("null") // can't be: it is made of strings
	}
	return data
}

// opening is the beginning of the prompt that the simulated caller has.
func opening(prompt string) string {
	const most = 200
	first, _, _ := strings.Cut(strings.TrimSpace(prompt), "\n")
	if runes := []rune(first); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return first
}

// calls are a call of a mocked tool that its rule matches, and what comes back.
func calls(mock retell.ToolMock, id string) []turn {
	arguments := []byte("{}")
	if mock.InputMatchRule.Type == retell.MatchPartial {
		arguments, _ = json.Marshal(mock.InputMatchRule.Args) // came as JSON
	}
	return []turn{
		{Role: "tool_call_invocation", ToolCallID: id, Name: mock.ToolName, Arguments: string(arguments)},
		{Role: "tool_call_result", ToolCallID: id, Content: mock.Output},
	}
}
