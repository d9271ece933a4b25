import PrismAtlas
import PrismTensor

extension Experiment {
    static let polytopes = Experiment(
        "polytopes", title: "The share of a dimension in each solid", topic: .toyModels,
        source: "Elhage et al. 2022, the geometry of superposition", expectedSeconds: 1,
        explanation: """
            Features that share a space stand at the vertices of a few solids, and Dᵢ tells which: each solid gives all its \
            features the same share of a dimension. Nothing is trained here; the solids are put in place, turned, shuffled \
            and disturbed a little, then measured and recognised again. An octahedron is three digons in orthogonal \
            dimensions (a tegum product), so that its features have a digon's share.
            """
    ) { lab in
        let solids: [(solid: Polytope, published: String, share: Double)] = [
            (.digon, "1/2", 1 / 2), (.triangle, "2/3", 2 / 3), (.pentagon, "2/5", 2 / 5),
            (.tetrahedron, "3/4", 3 / 4), (.tegum([.digon, .digon, .digon]), "1/2", 1 / 2),
            (.squareAntiprism, "3/8", 3 / 8),
        ]
        let claims = solids.map { solid, published, share in
            let shares = FeatureGeometry(solid.vertices).dimensionality
            return Claim(
                "\(solid.name): share of a dimension", published: published,
                closedForm: Claim.text(share, 4), got: Claim.text(shares[0], 4), values: shares,
                criterion: "every feature within 1e-9", holds: shares.allSatisfy { abs($0 - share) < 1e-9 })
        }
        let factored: [Polytope] = [.tegum([.triangle, .digon]), .tegum([.pentagon, .digon])]
        let named = (solids.map(\.solid) + factored).map { solid in
            lab.seeds(5).map { seed -> (name: String, error: Double) in
                let arrangement = Arrangement(FeatureGeometry(solid.disturbed(by: 0.02, seed: seed)))
                let error = arrangement.factors.map(\.fitError).max()!
                return (arrangement.polytope?.name ?? "none", error)
            }
        }
        let right = zip(solids.map(\.solid) + factored, named).map { solid, found in
            Double(found.count { $0.name == solid.name }) / Double(found.count)
        }
        let recognised = Claim(
            "solids recognised by name with noise of 0.02 on every coordinate", closedForm: "all",
            got: "\(Claim.text(100 * right.reduce(0, +) / Double(right.count), 3))%", values: right,
            criterion: "every solid in every one of 5 trials", holds: right.allSatisfy { $0 == 1 })
        let table = ReportSection.Part.table(
            columns: ["solid", "features", "dimensions", "share of each feature", "worst fit error with noise"],
            rows: zip(solids.map(\.solid) + factored, named).map { solid, found in
                let shares = FeatureGeometry(solid.vertices).dimensionality.map { Claim.text($0, 3) }
                return [
                    solid.name, "\(shares.count)", "\(solid.dimension)",
                    Set(shares).sorted().joined(separator: ", "), Claim.text(found.map(\.error).max()!, 2),
                ]
            })
        let drawings = (solids.map(\.solid) + factored).filter { $0.dimension > 1 }.map { solid in
            Chart.solid(solid.name, embeddings: solid.vertices)
        }
        return Findings(claims: claims + [recognised], parts: drawings + [table])
    }
}
