import Foundation
import PrismCore
import PrismModels
import PrismTensor
import PrismTestSupport
import Testing

@Suite struct ModelCommandTests {
    struct Run: Decodable {
        struct Candidate: Decodable { let id: Int32, text: String, logit: Float }
        let tokens: [Int32]
        let top: [Candidate]
        let hook: String?
        let activation: [Float]?
    }

    @Test func runPrintsWhatTheModelComputes() throws {
        let url = try realModel()
        try withTemporaryFolder { folder in
            let prompt = "The capital of France is"
            let hook = "blocks.15.hook_resid_post"
            let plain = try prism("model", "run", url.path, "--prompt", prompt, "--top", "10", "--json", in: folder)
            let run = try JSONDecoder().decode(Run.self, from: Data(plain.output.utf8))
            #expect(run.hook == nil && run.activation == nil && run.top.count == 10)
            #expect(run.top[0].text == " Paris")
            let hooked = try prism(
                "model", "run", url.path, "--prompt", prompt, "--top", "3", "--hook", hook, "--json", in: folder)
            let other = try JSONDecoder().decode(Run.self, from: Data(hooked.output.utf8))
            #expect(other.top.map(\.id) == run.top.prefix(3).map(\.id) && other.hook == hook)

            let (model, tokenizer) = (try Transformer(loading: url, backend: CPUBackend()), try Tokenizer(loading: url))
            #expect(run.tokens == tokenizer.encode(prompt))
            let last = run.tokens.count - 1
            let logits = try model.logits(run.tokens)
            let ranked = (0..<model.configuration.vocabularySize).sorted { logits[last][$0] > logits[last][$1] }
            #expect(run.top.map(\.id) == ranked.prefix(10).map(Int32.init))
            #expect(run.top.allSatisfy { $0.logit == logits[last][Int($0.id)] && $0.text == tokenizer.text(of: $0.id) })
            let x = try model.run(ForwardRequest(contexts: [run.tokens], capture: [HookPoint(hook)]))[HookPoint(hook)]
            #expect(other.activation?.count == 576)
            #expect(other.activation == (0..<576).map { x[last][$0] })

            let people = try prism(
                "model", "run", url.path, "--prompt", prompt, "--top", "2", "--hook", hook, in: folder)
            let lines = people.output.split(separator: "\n")
            #expect(lines.count == 3 && lines[0].contains("‘ Paris’") && lines[2].split(separator: " ").count == 576)
        }
    }

    @Test func infoNamesTheModelsShape() throws {
        let url = try realModel()
        try withTemporaryFolder { folder in
            let outcome = try prism("model", "info", url.path, "--json", in: folder)
            let info = try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
            #expect(Set(info.keys) == ["configuration", "sha256", "tokenizer"])
            let configuration = try #require(info["configuration"] as? [String: Any])
            #expect(configuration["width"] as? Int == 576 && configuration["layerCount"] as? Int == 30)
            #expect((info["tokenizer"] as? [String: Any])?["vocabulary"] as? Int == 49152)
            let digest = try Files.digest(Data(contentsOf: url, options: .alwaysMapped))
            #expect(info["sha256"] as? String == digest)
            let people = try prism("model", "info", url.path, in: folder).output
            #expect(people.contains(digest) && people.contains("blocks.0…29.") && people.contains("576"))
        }
    }

    @Test func generationIsTheSameEachTime() throws {
        let url = try realModel()
        try withTemporaryFolder { folder in
            func text(_ more: String...) throws -> String {
                let arguments =
                    ["model", "generate", url.path, "--prompt", "Once upon a time, ", "--tokens", "12"] + more
                let outcome = try Command(arguments, in: folder).run()
                #expect(outcome.status == 0 && outcome.errors.isEmpty)
                return outcome.output
            }
            let greedy = try text()
            #expect(greedy.hasPrefix("Once upon a time, ") && greedy.count > 30)
            #expect(try text() == greedy && text("--seed", "5") == greedy)
            let drawn = try text("--temperature", "1", "--seed", "5")
            #expect(try text("--temperature", "1", "--seed", "5") == drawn)
            #expect(try text("--temperature", "1", "--seed", "6") != drawn)
            #expect(try text("--tokens", "0") == "Once upon a time, \n")
        }
    }
}
