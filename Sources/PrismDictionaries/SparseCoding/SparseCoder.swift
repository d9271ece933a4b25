import PrismTensor

/// Finds the sparse code of a vector for given atoms, by optimisation instead of an encoder's one step.
///
///     min_z ‖x − Σᵢ zᵢ dᵢ‖²  with at most k latents,   or   min_z ½‖x − Σᵢ zᵢ dᵢ‖² + λ Σᵢ |zᵢ| ‖dᵢ‖
///
/// Of a dictionary's latents zᵢ ≥ 0. The first problem is NP-hard, and two greedy ways approach it, each at the price of
/// one product of a residual with all atoms per latent; the second is convex and is solved to its optimum. (Matching
/// pursuit, which fits nothing anew, is an encoder: `LatentActivation.matchingPursuit`.)
public enum SparseCoder: Hashable, Sendable {
    /// One latent after the other, the one that explains most of what is left, with all chosen coefficients fitted anew after
    /// each choice (Pati et al. 1993).
    case orthogonalMatchingPursuit(k: Int)
    /// The same with one gradient step on all chosen coefficients after each choice (Blumensath and Davies 2008); Smith 2024
    /// calls it inference-time optimisation.
    case gradientPursuit(k: Int)
    /// min_z ‖x − Σᵢ zᵢ dᵢ‖² over z ≥ 0 and nothing else (Lawson and Hanson 1974), which is orthogonal matching pursuit of
    /// non-negative coefficients that goes on until no atom correlates with what is left. Of many solutions it gives one
    /// with at most as many latents as the vector has numbers.
    case nonNegativeLeastSquares
    /// The second problem by proximal gradient steps with momentum (Beck and Teboulle 2009); the penalty is λ.
    case fista(penalty: Double)

    /// Rows of one block: enough for a product of matrices, few enough that [rows, atoms] correlations stay small.
    private static let blockRows = 64

    /// Choices for each number of a vector, some of them undone; Lawson and Hanson's limit.
    private static let leastSquaresSteps = 3

    /// z of rows of x. - x: [rows, width].
    package func codes(of x: Tensor, for atoms: Atoms, workers: Workers) -> SparseCodes {
        precondition(x.rowWidth == atoms.width && !(self == .nonNegativeLeastSquares && atoms.isSigned))
        let gram = isFast(for: atoms) ? atoms.gram(workers: workers) : nil
        let blocks = workers.map(x.rowCount, by: Self.blockRows) { _, range in
            let block = x.rows(range)
            let rows =
                switch self {
                case .orthogonalMatchingPursuit(let k):
                    pursue(block, atoms, k, gram: gram, OrthogonalMatchingPursuit.self)
                case .nonNegativeLeastSquares:
                    pursue(block, atoms, Self.leastSquaresSteps * atoms.width, OrthogonalMatchingPursuit.self)
                case .gradientPursuit(let k): pursue(block, atoms, k, gram: gram, GradientPursuit.self)
                case .fista(let penalty): Lasso(penalty: penalty).solve(block, atoms)
                }
            return SparseCodes(rows, atoms)
        }
        return SparseCodes(joining: blocks)
    }
}

extension SparseCoder {
    /// Atoms whose inner products are kept: 256 MiB of them.
    private static let gramLimit = 8192

    /// Whether correlations are made of the atoms' inner products: not where those are too many, nor where a pursuit goes on
    /// until nothing is left, for which single precision is too little. The number of rows has no say: a row's code does not
    /// depend on its neighbours.
    private func isFast(for atoms: Atoms) -> Bool {
        switch self {
        case .orthogonalMatchingPursuit(let k), .gradientPursuit(let k):
            atoms.count <= Self.gramLimit && k < atoms.width
        case .nonNegativeLeastSquares, .fista: false
        }
    }
}

/// A row's chosen atoms and their coefficients cᵢ.
typealias AtomCoefficients = [(atom: Int, coefficient: Double)]

extension SparseCodes {
    /// zᵢ = cᵢ / ‖dᵢ‖, without those that are zero.
    fileprivate init(_ rows: [AtomCoefficients], _ atoms: Atoms) {
        self.init(
            rows.map { row in
                row.map { ($0.atom, Float($0.coefficient) * atoms.inverseNorms[$0.atom]) }
                    .filter { $0.1 != 0 }.sorted { $0.0 < $1.0 }
            })
    }
}
