import Foundation
import PrismActivations
import PrismCore
import PrismFormats
import PrismModels
import PrismTensor
import PrismTestSupport
import Testing

@Suite struct HarvestCommandTests {
    func harvest(in folder: URL, _ more: String..., sourceLocation: SourceLocation = #_sourceLocation) throws -> URL {
        let outcome = try Command(
            [
                "harvest", "model", "--text", "text", "--hook", "blocks.0.mlp.hook_post", "--context", "32", "--out",
                "vectors",
            ] + more,
            in: folder
        ).run()
        #expect(outcome.status == 0, "\(outcome.complaints)", sourceLocation: sourceLocation)
        return folder.appending(path: "vectors")
    }

    @Test func shardsHoldTheModelsActivations() throws {
        try Inputs.withFolder { folder in
            let vectors = try harvest(in: folder, "--tokens", "3000")
            let manifest = try JSONDecoder().decode(
                HarvestManifest.self, from: Data(contentsOf: vectors.appending(path: "manifest.json")))
            let count = manifest.vectors
            // The last context of a document is shorter, so there are somewhat fewer than asked for.
            #expect((2500...3000).contains(count) && manifest.width == 48 && manifest.hook == .neurons(layer: 0))
            #expect(manifest.documents.count == 40 && Set(manifest.documents.map(\.source)) == ["optics", "letters"])
            #expect(manifest.shards.map(\.vectors).reduce(0, +) == count && manifest.model == "model")
            let weights = try Data(contentsOf: folder.appending(path: "model/model.safetensors"))
            #expect(manifest.modelDigest == Files.digest(weights))
            #expect(
                try Set(FileManager.default.contentsOfDirectory(atPath: vectors.path))
                    == Set(manifest.shards.map(\.file) + ["manifest.json"]))

            let shard = try SafetensorsFile(vectors.appending(path: manifest.shards[0].file))
            #expect(shard.names.sorted() == ["activations", "context", "document", "position", "token"])
            let x = try shard.tensor("activations", shape: [count, 48])
            func labels(_ name: String) throws -> [Int] {
                try shard.tensor(name, shape: [count]).values.map { Int($0) }
            }
            let (tokens, contexts, positions) = (try labels("token"), try labels("context"), try labels("position"))
            let documents = try labels("document")
            // Contexts are whole but for the positions left out, so each can be run again from its labels.
            let model = try Transformer(loading: folder.appending(path: "model"), backend: CPUBackend())
            let tokenizer = try Tokenizer(loading: folder.appending(path: "model"))
            for context in Set(contexts).sorted().dropLast() {
                let rows = contexts.indices.filter { contexts[$0] == context }
                #expect(rows.map { positions[$0] } == Array(1...rows.count))
                #expect(Set(rows.map { documents[$0] }).count == 1)
                let ids = [tokenizer.bosID!] + rows.map { Int32(tokens[$0]) }
                let run = try model.run(ForwardRequest(contexts: [ids], capture: [.neurons(layer: 0)]))[
                    .neurons(layer: 0)]
                for (i, row) in rows.enumerated() { #expect(memcmp(run[i + 1], x[row], 4 * 48) == 0) }
                let file = folder.appending(path: "text").appending(path: manifest.documents[documents[rows[0]]].name)
                let text = try String(contentsOf: file, encoding: .utf8)
                #expect(text.contains(tokenizer.decode(Array(ids.dropFirst()))))
            }
        }
    }

    @Test func discoverTakesTheFolderApartSplitByDocument() throws {
        try Inputs.withFolder { folder in
            let vectors = try harvest(in: folder)
            try prism(
                "discover", "--activations", "vectors", "--latents", "96", "--k", "4", "--batch", "64", "--held-out",
                "0.3", "--out",
                "run", in: folder)
            let stored = try StoredActivations(vectors)
            let (training, heldOut) = stored.split(heldOutShare: 0.3, seed: 0)
            #expect(training.count + heldOut.count == 40 && !heldOut.isEmpty && !training.isEmpty)
            let rows = (training + heldOut).joined()
            #expect(Set(rows).count == rows.count && rows.count == stored.matrix.rowCount)
            let shard = try SafetensorsFile(vectors.appending(path: "shard-00000.safetensors"))
            let documents = try shard.tensor("document").values
            #expect((training + heldOut).allSatisfy { Set($0.map { documents[$0] }).count == 1 })
        }
    }

    /// An oversampled harvest says so and has a weight beside each vector; what is measured on, and what examples come from,
    /// is thinned out to what the text has.
    @Test func anOversampledHarvestIsThinnedOutToBeMeasuredOn() throws {
        try Inputs.withFolder { folder in
            let vectors = try harvest(in: folder, "--oversample", "optics=4", "/blue dark/=0.5")
            let manifest = try JSONDecoder().decode(
                HarvestManifest.self, from: Data(contentsOf: vectors.appending(path: "manifest.json")))
            #expect(manifest.contexts.oversample?.rules.map(\.weight) == [0.5, 4])
            let effect = try #require(manifest.oversampling?.last)
            #expect(effect.pattern == "optics" && effect.trainingShare > effect.textShare + 0.2)

            let shard = try SafetensorsFile(vectors.appending(path: "shard-00000.safetensors"))
            let (weights, documents) = (try shard.tensor("weight").values, try shard.tensor("document").values)
            #expect(Set(weights) == [0.5, 1, 2, 4])
            let isOptics = documents.map { manifest.documents[Int($0)].source == "optics" }
            #expect(zip(weights, isOptics).allSatisfy { $1 ? $0 >= 2 : $0 <= 1 })

            let stored = try StoredActivations(vectors)
            let (training, heldOut) = stored.split(heldOutShare: 0.3, seed: 0)
            for groups in [training, heldOut] {
                let even = stored.even(groups, seed: 0)
                #expect(Set(even.joined()).isSubset(of: Set(groups.joined())))
                // Each row stays with probability .5 / weight; four standard deviations of that.
                let odds = groups.joined().map { Double(0.5 / weights[$0]) }
                let spread = odds.reduce(0) { $0 + $1 * (1 - $1) }.squareRoot()
                #expect(abs(Double(even.joined().count) - odds.reduce(0, +)) < 4 * spread)
                let optics = even.joined().count { isOptics[$0] }
                let expected = groups.joined().reduce(0) { $0 + (isOptics[$1] ? Double(0.5 / weights[$1]) : 0) }
                #expect(abs(Double(optics) - expected) < 4 * spread)
            }
            try prism(
                "discover", "--activations", "vectors", "--latents", "96", "--k", "4", "--batch", "64", "--held-out",
                "0.3", "--out", "run", in: folder)
            let evaluated = try prism("evaluate", "run", "--json", in: folder).output
            #expect(evaluated.contains("\"tokens\" : \(stored.even(heldOut, seed: 0).joined().count)"))

            var writer = SafetensorsWriter()
            for name in ["activations", "document"] { writer.add(name, try shard.tensor(name)) }
            writer.add("weight", [Double](repeating: 0, count: weights.count), shape: [weights.count])
            try writer.write(to: vectors.appending(path: "shard-00000.safetensors"))
            let error = #expect(throws: PrismError.self) { try StoredActivations(vectors) }
            #expect(error?.kind == .badData && error?.message.contains("‘weight’") == true)
        }
    }

    @Test func isTheSameOnOneThreadAndTwo() throws {
        try Inputs.withFolder { folder in
            let one = try harvest(in: folder, "--threads", "1")
            try FileManager.default.moveItem(at: one, to: folder.appending(path: "one"))
            let two = try harvest(in: folder, "--threads", "2")
            for name in ["manifest.json", "shard-00000.safetensors"] {
                let same =
                    try Data(contentsOf: two.appending(path: name))
                    == Data(contentsOf: folder.appending(path: "one/\(name)"))
                #expect(same, "\(name)")
            }
        }
    }

    @Test func anInterruptedHarvestIsRefused() throws {
        let model = try realModel()
        try Inputs.withFolder { folder in
            let vectors = try harvest(in: folder)
            try FileManager.default.removeItem(at: vectors.appending(path: "manifest.json"))
            let discover = Command(
                ["discover", "--activations", "vectors", "--latents", "96", "--batch", "64", "--out", "run"], in: folder
            )
            expectFailure(try discover.run(), 65, mentions: "interrupted harvest", "vectors")
            try Data("{}".utf8).write(to: vectors.appending(path: "manifest.json"))
            expectFailure(try discover.run(), 65, mentions: "manifest.json")

            // Ctrl-C says what to do with what is there.
            let slow = Command(
                ["harvest", model.path, "--text", "text", "--tokens", "20000", "--context", "64", "--out", "slow"],
                in: folder)
            let outcome = try slow.run(
                until: .file(".", after: 0.3), run: folder.appending(path: "slow"), signal: SIGINT)
            expectFailure(try #require(outcome), 1, mentions: "incomplete", "slow")
            expectFailure(
                try Command(["discover", "--activations", "slow", "--out", "run"], in: folder).run(), 64,
                mentions: "slow")
        }
    }

    /// A folder of shards that another program wrote needs no manifest.
    @Test func shardsFromElsewhereAreTaken() throws {
        try Inputs.withFolder { folder in
            let shards = try Inputs.place("shards", in: folder)
            let vectors = Inputs.planted()
            for (name, range) in [("a", 0..<1500), ("b", 1500..<4000)] {
                var writer = SafetensorsWriter()
                writer.add("activations", vectors.rows(range))
                try writer.write(to: shards.appending(path: "\(name).safetensors"))
            }
            #expect(try StoredActivations(shards).matrix.values == vectors.values)
            var writer = SafetensorsWriter()
            writer.add("activations", Tensor(5, 11))
            try writer.write(to: shards.appending(path: "c.safetensors"))
            #expect(throws: PrismError.self) { try StoredActivations(shards) }
        }
    }
}
