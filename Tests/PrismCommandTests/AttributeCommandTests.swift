import Foundation
import PrismCausal
import PrismCore
import PrismTestSupport
import Testing

/// `prism attribute` on the model that comes with Prism, and a run of it.
@Suite struct AttributeCommandTests {
    static let question = ["--prompt", "the light of a red prism", "--target", " light"]

    /// Nothing but the times depends on threads.
    @Test func attributesAnAnswer() throws {
        try Inputs.withFolder { folder in
            _ = try Discover.oneLayer().finished(in: folder)
            func report(_ arguments: [String]) throws -> AttributionReport {
                let outputs = try ["1", "2"].map { threads in
                    let outcome = try Command(
                        ["attribute"] + arguments + Self.question + ["--top", "5", "--json", "--threads", threads],
                        in: folder
                    ).run()
                    #expect(outcome.status == 0, "\(arguments): \(outcome.complaints)")
                    return outcome.output
                }
                let lines = outputs.map { $0.split(separator: "\n").filter { !$0.contains("Seconds\"") } }
                #expect(lines[0] == lines[1])
                return try JSONDecoder().decode(AttributionReport.self, from: Data(outputs[0].utf8))
            }
            for method in ["gradient", "ig", "direct", "linear"] {
                for subject in [["one-layer", "--units", "neurons"], ["run", "--baseline", "mean"]] {
                    let found = try report(subject + ["--method", method])
                    #expect(found.method.rawValue == method && found.rows.count == 5)
                    #expect(found.rows.allSatisfy { $0.ablated != nil })
                    let sizes = found.rows.map { abs($0.attributed) }
                    #expect(sizes == sizes.sorted(by: >))
                }
            }
            // Behind the only MLP nothing carries what it says to another position.
            let whole = try report(["one-layer", "--units", "mlps"])
            #expect(whole.rows[0].position == 6 && whole.unitCount == 7)
            #expect(whole.rows.dropFirst().allSatisfy { $0.attributed == 0 && $0.ablated == 0 })
            let corrupt = try report(["run", "--corrupt", "the light of a dark prism", "--against", " of"])
            #expect(corrupt.unitCount > 0)

            let table = try Command(["attribute", "run"] + Self.question, in: folder).run()
            #expect(table.status == 0 && table.output.contains("attributed") && table.output.contains("Pearson"))
            try Data(PatchCommandTests.pair.utf8).write(to: folder.appending(path: "pairs.jsonl"))
            let outcome = try prism("attribute", "one-layer", "--pairs", "pairs.jsonl", in: folder)
            #expect(outcome.output.contains("1 prompts, ") && outcome.output.contains("ablation"))
        }
    }

    @Test(arguments: [
        ([], "give either a --prompt with its --target, or pairs"),
        (["--prompt", "the light"], "--prompt and --target go together"),
        (["--target", " light"], "--prompt and --target go together"),
        (question + ["--task", "ioi"], "give either a --prompt"),
        (["--prompt", "", "--target", " light"], "the prompt is empty"),
        (["--prompt", "the light", "--target", " spectroscopy"], "must be a single one"),
        (["--prompt", "the light", "--target", ""], "does not begin a token"),
        (question + ["--against", " spectroscopy"], "must be a single one"),
        (question + ["--against", " light"], "are the same"), (question + ["--corrupt", "the light"], "equally long"),
        (question + ["--corrupt", "the light of a red prism"], "are the same"),
        (question + ["--method", "shapley"], "one of 'gradient', 'ig', 'direct' or 'linear'"),
        (question + ["--units", "layers"], "latents, heads, mlps"), (question + ["--units", "latents"], "name a run"),
        (question + ["--baseline", "mean"], "a model alone has no text"),
        (question + ["--top", "0"], "must be positive"), (question + ["--method", "direct", "ig"], "one method"),
        (question + ["--corrupt", "the light of a dark prism", "--baseline", "zero"], "not both"),
        (["--task", "ioi", "--top", "3", "--against", " is"], "--against, --top can only go with --prompt"),
        (["--task", "ioj"], "the nearest is ‘ioi’"),
    ]) func refusesInOneSentence(arguments: [String], mention: String) throws {
        try withTemporaryFolder { folder in
            expectFailure(
                try Command(["attribute", "one-layer"] + arguments, in: folder).run(), 64, mentions: mention)
        }
    }
}
