import PrismAtlas
import Foundation
import PrismTensor

extension Experiment {
    static let universalAND = Experiment(
        "universal-and", title: "All pairwise ANDs with few neurons", topic: .capacity,
        source: "Hänni et al. 2024; Adler and Shavit 2024", expectedSeconds: 130,
        explanation: """
            The ANDs of all pairs of n Boolean inputs, of which two are active, read linearly from one ReLU layer: how many \
            neurons until at most 5% of the pairs with both, one or none active are read wrongly at the threshold ½? The \
            random construction lets each neuron see a random subset of the inputs and each output average the neurons that \
            see its two; the subsets' size is the best of five. Inputs that are in superposition themselves, in as many \
            dimensions as there are neurons, need Õ(n^⅔) neurons, inputs on axes of their own Õ(1). For small n, \
            layers of up to 96 neurons are trained too (density 2/n, 6000 steps of 256 samples). One neuron for each pair is the way without superposition. The lower bound \
            √(m′ log m′) for m′ outputs holds for networks that have to be told which m′ pairs to compute and to read; a \
            circuit for all pairs whose linear readouts are not counted may stay below it, and does.
            """
    ) { lab in
        let sizes = [128, 256, 512, 1024, 2048]
        // The largest first, for each of three seeds: inputs in superposition, and one seed of inputs on axes.
        let seeds = lab.seeds(3)
        let jobs = (seeds.map { ($0, true) } + [(lab.seed, false)]).flatMap { seed, isSuperposed in
            sizes.reversed().map { (seed: seed, isSuperposed: isSuperposed, n: $0) }
        }
        let found = lab.workers.map(jobs.count, by: 1) { _, range in
            let job = jobs[range.lowerBound]
            return Double(Self.neededWidth(inputs: job.n, isSuperposed: job.isSuperposed, seed: job.seed))
        }
        /// [run][size]: three runs in superposition, one on axes.
        let runs = (0...seeds.count).map { run in
            Array(found[run * sizes.count..<(run + 1) * sizes.count].reversed())
        }
        let groups = sizes.indices.map { size in runs.prefix(seeds.count).map { $0[size] } }
        let superposed = zip(sizes, groups).map { (Double($0), $1.median) }
        let bare = zip(sizes, runs.last!).map { (Double($0), $1) }
        let trained = try Self.trainedWidths(in: lab)
        let law = PowerLaw(superposed.map { (x: $0.0, y: $0.1) })
        let pairs = { (n: Double) in n * (n - 1) / 2 }
        // The better of what is known without training: one neuron for each pair, or the construction's law.
        let untrained = trained.map { min(pairs($0.inputs), law.factor * pow($0.inputs, law.exponent)) }
        let (n, width) = superposed.last!
        return Findings(
            claims: [
                Claim(
                    "exponent of the neurons that the random construction needs, inputs in superposition",
                    published: "Õ(n^⅔)",
                    closedForm: "⅔ and a logarithm",
                    spread: runs.prefix(seeds.count).map {
                        PowerLaw(zip(sizes, $0).map { (x: Double($0), y: $1) }).exponent
                    },
                    criterion: "exponent from 0.55 to 0.85", holds: { (0.55...0.85).contains($0) }),
                Claim(
                    "fewer neurons than inputs, at \(Int(n)) inputs", published: "asymptotically",
                    spread: groups.last!, digits: 4, criterion: "fewer than \(Int(n)) for \(Int(pairs(n))) outputs",
                    holds: { $0 < n }),
                Claim(
                    "training finds narrower layers than the construction or one neuron for each pair",
                    got: zip(trained, untrained).map { found, known in
                        let width = found.width.map { "\(Int($0))" } ?? "more than 96"
                        return "n \(Int(found.inputs)): \(width) against \(Claim.text(known, 2))"
                    }.joined(separator: "; "), values: trained.compactMap(\.width),
                    criterion: "narrower at every n",
                    holds: zip(trained, untrained).allSatisfy { found, known in
                        found.width.map { $0 < known } ?? false
                    }),
            ],
            parts: [
                Chart.lines(
                    "Neurons needed", caption: "For at most 5% wrong; dashed: laws, of which the n^⅔ line is fitted.",
                    x: .init("Boolean inputs n", log: true), y: .init("neurons", log: true), height: 300,
                    [
                        .init(
                            "random, inputs in superposition",
                            repetitions: zip(sizes, groups).map { (Double($0), $1) }),
                        .init(name: "random, inputs on axes", points: bare),
                        .init(
                            name: "trained, inputs on axes",
                            points: trained.compactMap { found in found.width.map { (found.inputs, $0) } }),
                        .init(
                            name: "∝ n^⅔",
                            points: superposed.map { ($0.0, width * pow($0.0 / n, 2.0 / 3)) }, isTheory: true),
                        .init(
                            name: "√(m′ ln m′)",
                            points: sizes.map { (Double($0), sqrt(pairs(Double($0)) * log(pairs(Double($0))))) },
                            isTheory: true),
                        .init(
                            name: "one for each pair", points: sizes.prefix(3).map { (Double($0), pairs(Double($0))) },
                            isTheory: true),
                    ])
            ])
    }

    /// The least width, on a grid of steps of 5%, at which some size of the neurons' subsets reads 95% rightly.
    private static func neededWidth(inputs: Int, isSuperposed: Bool, seed: UInt64) -> Int {
        let widths = (0..<120).map { Int((8 * pow(1.05, Double($0))).rounded()) }
        func suffices(_ width: Int) -> Bool {
            [3.0, 4, 6, 8, 12].contains { sharing in
                guard sharing < Double(width) else { return false }
                let circuit = RandomANDCircuit(
                    inputs: inputs, width: width, sharing: sharing, isSuperposed: isSuperposed, seed: seed)
                return ANDTest.worstError(inputs: inputs, seed: seed, outputs: circuit.outputs) <= 0.05
            }
        }
        var (low, high) = (0, widths.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if suffices(widths[middle]) { high = middle } else { low = middle + 1 }
        }
        return widths[low]
    }

    /// The least width of a grid at which small circuits pass the same test after training; nil where none did.
    private static func trainedWidths(in lab: Lab) throws -> [(inputs: Double, width: Double?)] {
        let (sizes, widths) = ([20, 16, 12, 8], [3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96])
        let grid = sizes.flatMap { n in widths.map { (n, $0) } }
        let trained = try lab.train(
            grid.map { pairwiseAND(inputs: $0, neurons: $1, density: 2 / Float($0), seed: lab.seed) })
        return sizes.reversed().map { n in
            let passing = zip(grid, trained).first { setting, toy in
                setting.0 == n
                    && ANDTest.worstError(inputs: n, seed: lab.seed) { active, pairs in
                        let x = Tensor(1, n)
                        for i in active { x.data[i] = 1 }
                        let y = toy.model.run(x).outputs
                        // Pairs lie in lexicographic order.
                        return pairs.map { i, j in Double(y.data[i * (2 * n - i - 1) / 2 + j - i - 1]) }
                    } <= 0.05
            }
            return (Double(n), passing.map { Double($0.0.1) })
        }
    }
}
