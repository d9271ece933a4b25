import Foundation
import PrismAtlas
import PrismDictionaries
import PrismTensor

extension Experiment {
    static let recoveryFailures = Experiment(
        "recovery-failures", title: "Hedging, absorption and splitting on planted features", topic: .recovery,
        source: "Chanin et al. 2024 and 2025; Bricken et al. 2023", expectedSeconds: 20,
        explanation: """
            Why dictionaries miss features even where these are orthogonal, so that superposition is not to blame. \
            Hedging: a dictionary with one latent for two features mixes the second into the first as soon as they are \
            correlated. Absorption: where a child feature never occurs without its parent, sparsity makes the child's latent \
            take the parent over, and the parent's latent is silent there. Splitting: a feature with four kinds of \
            occurrence is one latent in a narrow dictionary and several in a wide one; a latent counts as the feature's where \
            its cosine with it is above ½. TopK and the like have k = 1, fewer than parent and child together need. One \
            training for each dictionary; Matryoshka is held against whichever of TopK and L1 absorbs more.
            """
    ) { lab in
        func dictionary(
            _ features: FeatureDistribution, _ architecture: Architecture, latents: Int, k: Int = 1,
            sparsity: Float? = nil
        ) throws -> (ToyDictionary, ToyModel) {
            // Feature i is dimension i, of a model made by hand.
            let model = try ToyModel(ToyConfiguration(features, hidden: features.count))
            let identity = Tensor(features.count, features.count)
            for i in 0..<features.count { identity[i][i] = 1 }
            model.set(embeddings: identity)
            return (
                try ToyDictionary(
                    architecture, latents: latents, k: k, sparsity: sparsity, on: model, seed: lab.seed, steps: 1500,
                    workers: lab.workers), model
            )
        }

        // Hedging: the weaker cosine of the one latent.
        let strengths: [Float] = [0, 0.4, 0.6, 0.8, 0.9, 1]
        let hedging = try strengths.map { strength -> Double in
            var pair = FeatureDistribution(count: 2, density: [0.3, 0.2])
            pair.dependence = .correlated(size: 2, strength: strength)
            return try dictionary(pair, .standard, latents: 1, sparsity: 0.5).0.cosines()[0].min()!
        }

        // Absorption: where the child is active, how often is the latent that stands for the parent elsewhere silent?
        var family = FeatureDistribution(count: 3, density: [0.4, 0.3, 0.2])
        family.least = 0.5
        family.dependence = .hierarchical(parents: [-1, 0, -1])
        let absorbing: [(name: String, share: Double, cosines: [[Double]])] = try [
            Architecture.topK, .standard, .matryoshka,
        ]
        .map { architecture in
            let (found, model) = try dictionary(
                family, architecture, latents: 3, k: 1, sparsity: architecture == .standard ? 2 : nil)
            return (architecture.label, Self.absorbedShare(found, model, lab), found.cosines())
        }

        // Splitting: latents that stand for the parent or one of its kinds.
        var kinds = FeatureDistribution(count: 5, density: [0.5, 0.25, 0.25, 0.25, 0.25])
        kinds.least = 0.5
        kinds.dependence = .hierarchical(parents: [-1, 0, 0, 0, 0])
        let widths = [1, 2, 4, 8, 16]
        let splitting = try widths.map { width -> Double in
            let cosines = try dictionary(kinds, .topK, latents: width, k: 1).0.cosines()
            return Double(cosines.count { row in row[0] > 0.5 })
        }
        let sparse = absorbing.filter { $0.name != Architecture.matryoshka.label }.map(\.share)
        let matryoshka = absorbing.last!.share
        return Findings(
            claims: [
                Claim(
                    "hedging: a latent takes on a correlated feature", published: "Chanin et al. 2025",
                    got:
                        "cosine to the other feature \(Claim.text(hedging[0], 2)) uncorrelated, \(Claim.text(hedging[3], 2)) at correlation 0.64",
                    values: hedging, criterion: "< 0.3 without correlation, and at least 0.2 more at 0.64",
                    holds: hedging[0] < 0.3 && hedging[3] > hedging[0] + 0.2),
                Claim(
                    "absorption: the parent's latent is silent where a child is active",
                    published: "Chanin et al. 2024",
                    got: absorbing.map { "\($0.name) \(Claim.text($0.share, 2))" }.joined(separator: ", "),
                    values: absorbing.map(\.share), criterion: "> 0.5 with TopK or L1",
                    holds: sparse.max()! > 0.5),
                Claim(
                    "Matryoshka dictionaries absorb less", published: "Bussmann et al. 2025",
                    got: "\(Claim.text(matryoshka, 2)) against \(Claim.text(sparse.max()!, 2))", values: [matryoshka],
                    criterion: "below the others' largest", holds: matryoshka < sparse.max()!),
                Claim(
                    "splitting: a wider dictionary has more latents for the same feature",
                    published: "Bricken et al. 2023",
                    got: zip(widths, splitting).map { "\($0): \(Int($1))" }.joined(separator: ", "), values: splitting,
                    criterion: "more latents at width 16 than at 2", holds: splitting[4] > splitting[1]),
            ],
            parts: [
                Chart.lines(
                    "Hedging", caption: "one latent, two features", x: .init("correlation of activity"),
                    y: .init("cosine to the weaker feature", domain: 0...1),
                    [.init(name: "L1", points: zip(strengths, hedging).map { (Double($0 * $0), $1) })]),
                Chart.lines(
                    "Splitting", caption: "latents whose cosine to the parent exceeds ½",
                    x: .init("latents", log: true),
                    y: .init("latents of the parent"),
                    [.init(name: "TopK", points: zip(widths, splitting).map { (Double($0), $1) })]),
            ]
                + absorbing.map {
                    Chart.heatMap(
                        "Absorption, \($0.name)", caption: "|cos| of each latent to parent, child and another feature",
                        rows: $0.cosines, x: "feature", y: "latent", limit: 1, side: 140)
                })
    }

    /// Of the samples in which the child (feature 1) is active, the share in which the latent nearest to its parent
    /// (feature 0) is silent.
    private static func absorbedShare(_ found: ToyDictionary, _ model: ToyModel, _ lab: Lab) -> Double {
        let samples = model.configuration.features.samples(4096, seed: lab.seed, stream: "absorption")
        let codes = found.dictionary.encode(model.run(samples).hidden, workers: lab.workers)
        // What stands for the parent is what fires where it occurs alone.
        var alone = [Double](repeating: 0, count: found.dictionary.latentCount)
        for row in 0..<samples.rowCount where samples[row][0] > 0 && samples[row][1] == 0 {
            for active in codes[row] { alone[active.latent] += Double(active.value) }
        }
        let parent = alone.indices.max { alone[$0] < alone[$1] }!
        let together = (0..<samples.rowCount).filter { samples[$0][1] > 0 }
        return Double(together.count { row in !codes[row].contains { $0.latent == parent } }) / Double(together.count)
    }
}
