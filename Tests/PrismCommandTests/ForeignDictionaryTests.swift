import Foundation
import PrismTestSupport
import Testing

/// Dictionaries that are no run's, by their files alone: what a run of Prism's writes is a SAELens folder, so the run itself
/// is the reference.
@Suite struct ForeignDictionaryTests {
    @Test func theySteerAsTheirRunDoes() throws {
        try Inputs.withFolder { folder in
            _ = try Discover.model(folder).finished(in: folder)
            func steered(_ subjects: String...) throws -> String {
                let outcome = try Command(
                    ["steer"] + subjects + ["--latent", "3,40", "--strength", "5", "--prompt", "the light", "--json"],
                    in: folder
                ).run()
                #expect(outcome.status == 0, "\(outcome.complaints)")
                return outcome.output
            }
            let own = try steered("run")
            // The file says where it belongs, and may be told.
            #expect(try steered("model", "run/dictionary") == own)
            #expect(try steered("model", "run/dictionary@blocks.0.hook_resid_post") == own)
            #expect(try steered("model", "run/dictionary@blocks.1.hook_resid_post") != own)
            func failure(_ dictionary: String, mentions: String) throws {
                expectFailure(
                    try Command(
                        ["steer", "model", dictionary, "--latent", "3", "--strength", "5", "--prompt", "the light"],
                        in: folder
                    ).run(), 64, mentions: mentions)
            }
            try failure("run/dictionary@blocks.0.mlp.hook_post", mentions: "has vectors of 32 numbers")
            try failure("run/dictionary@blocks.2.hook_resid_post", mentions: "2 layers")
            try failure("run/nothing@blocks.0.hook_resid_post", mentions: "run/nothing")
        }
    }
}
