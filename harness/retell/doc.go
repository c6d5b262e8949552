// Package retell connects evalrun with the batch tests of Retell: simulated
// callers talk to a voice agent, and Retell judges each conversation.
//
// A [Client] has a method for each endpoint.
//
//	client, err := retell.New(retell.ConfigFromEnv(os.Getenv))
//	...
//	batch, err := client.CreateBatchTest(ctx, retell.CreateBatchTestRequest{
//		DefinitionIDs:  []string{"tc_1", "tc_2"},
//		ResponseEngine: retell.ResponseEngine{Type: retell.EngineLLM, LLMID: "llm_1"},
//	})
//
// # What the platform is trusted with
//
// The types keep fields and values that they do not know and write them back. A
// status that is not known is one of something that goes on. What they do insist
// on is that an answer is what was asked for: whole JSON, with an ID, a page with
// its items.
package retell
