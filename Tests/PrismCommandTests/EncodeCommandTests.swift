import Foundation
import PrismActivations
import PrismDictionaries
import PrismFormats
import PrismTensor
import PrismTestSupport
import Testing

@Suite struct EncodeCommandTests {
    /// A random dictionary, whose encoder finds poor codes, and vectors.
    func withFiles(_ body: (URL) throws -> Void) throws {
        try withTemporaryFolder { folder in
            let x = Inputs.planted(vectors: 300)
            let source = MatrixActivations(x, rows: 0..<300, seed: 0)
            let dictionary = try Baseline.random.fit(source, latents: 60, k: 3, seed: 1, workers: Workers(count: 1))
            try dictionary.save(to: folder.appending(path: "dictionary"))
            try NpyFile.write(x, to: folder.appending(path: "x.npy"))
            try body(folder)
        }
    }

    /// The figures that a line of the output holds.
    func figures(_ output: String, _ line: Int) -> [Double] {
        output.split(separator: "\n")[line].split(separator: " ").compactMap { Double($0) }
    }

    @Test func printsWhatBetterCodesChange() throws {
        try withFiles { folder in
            for method in ["omp", "gradient-pursuit"] {
                let outcome = try prism(
                    "encode", "dictionary", "x.npy", "--refine", method, "--latents", "z.npy", in: folder)
                let (before, after) = (figures(outcome.output, 0), figures(outcome.output, 1))
                // At the encoder's own L0 of 3 the optimisers explain more than the encoder.
                #expect(before[0] <= 3 && after[0] <= 3 && after[1] < before[1], "\(method): \(outcome.output)")
                let z = try NpyFile(folder.appending(path: "z.npy")).tensor()
                #expect(z.shape == [300, 60])
                #expect(abs(Double(z.values.count { $0 != 0 }) / 300 - after[0]) < 0.01)
            }
            // A smaller penalty explains more with more latents.
            let fits = try ["1", "0.1"].map { penalty in
                figures(
                    try prism("encode", "dictionary", "x.npy", "--refine", "fista", "--lambda", penalty, in: folder)
                        .output, 1)
            }
            #expect(fits[0][0] < fits[1][0] && fits[0][1] > fits[1][1], "\(fits)")
        }
    }

    @Test func refusesWhatMakesNoSense() throws {
        try withFiles { folder in
            func refuses(_ arguments: String..., mentions: String) throws {
                expectFailure(
                    try Command(["encode", "dictionary", "x.npy"] + arguments, in: folder).run(), 64, mentions: mentions
                )
            }
            try refuses(mentions: "say what to write")
            try refuses("--refine", "fista", mentions: "--lambda")
            try refuses("--refine", "fista", "--lambda", "0", mentions: "positive")
            try refuses("--refine", "fista", "--lambda", "nan", mentions: "positive")
            try refuses("--refine", "omp", "--lambda", "1", mentions: "--lambda")
            try refuses("--refine", "omp", "--k", "0", mentions: "k must")
            try refuses("--refine", "omp", "--k", "61", mentions: "60 latents")
            try refuses("--latents", "z.npy", "--k", "3", mentions: "--refine")
            try refuses("--refine", "guess", mentions: "guess")
        }
    }

    /// A transcoder over three layers that circuit-tracer wrote (Scripts/goldens/cross_layer_goldens.py), as it is and
    /// converted.
    @Test func encodesAndConvertsCrossLayerTranscoders() throws {
        let source = golden("PrismDictionariesTests", "cross-layer-jumprelu")
        let expected = try SafetensorsFile(source.appending(path: "expected.safetensors"))
        try withTemporaryFolder { folder in
            try NpyFile.write(try expected.tensor("x"), to: folder.appending(path: "x.npy"))
            let outcome = try prism("convert", source.path, "copy", "--to", "circuit-tracer", in: folder)
            #expect(outcome.output == "circuit-tracer → circuit-tracer: 3 layers of 13 latents, 5 numbers\n")
            for transcoder in [source.path, "copy"] {
                try prism(
                    "encode", transcoder, "x.npy", "--latents", "z.npy", "--reconstruction", "y.npy", in: folder)
                for name in ["z", "y"] {
                    let found = try NpyFile(folder.appending(path: "\(name).npy")).tensor()
                    let wanted = try expected.tensor(name)
                    #expect(found.shape == wanted.shape)
                    // Sums of at most 30 products of numbers up to about 5, in another order.
                    #expect(zip(found.values, wanted.values).allSatisfy { abs($0 - $1) < 1e-5 }, "\(name)")
                }
            }
            func refuses(_ arguments: String..., status: Int32, mentions: String) throws {
                expectFailure(try Command(arguments, in: folder).run(), status, mentions: mentions)
            }
            try refuses("convert", "copy", "other", "--to", "saelens", status: 64, mentions: "several layers")
            try refuses("convert", "copy", "copy", "--to", "circuit-tracer", status: 64, mentions: "exists already")
            try refuses("encode", "copy", "x.npy", "--refine", "omp", status: 64, mentions: "cross-layer transcoder")
            try NpyFile.write(Tensor(4, 5), to: folder.appending(path: "flat.npy"))
            try refuses(
                "encode", "copy", "flat.npy", "--latents", "z.npy", status: 65, mentions: "takes [3, vectors, 5]")
        }
    }
}
