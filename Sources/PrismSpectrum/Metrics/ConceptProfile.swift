import Foundation
import PrismMetrics
import PrismTensor

/// Which concepts make a unit respond, and with what shares.
///
/// Concepts are chosen one after the other, each time the one that explains most of the response's variance that those
/// before it have left (forward selection by orthogonal least squares, Chen, Cowan and Grant 1991), so that of concepts that
/// say nearly the same, such as a language and its script, one is chosen. gₖ is the variance that the k-th explains; its
/// response aₖ = √gₖ, what the unit gives to that concept alone in units of the response.
///
///     explained = Σ gₖ / var r
///     selectivity = max a / Σ a                        (Jermyn et al. 2022: the favourite's share)
///     effective concepts = exp H(p),  p = a / Σ a      (Bereska et al. 2025)
///     participation = (Σ a²)² / Σ a⁴
///
/// Only concepts whose coefficient is far from chance (5 jackknife standard errors) count, up to `limit`.
public struct ConceptProfile: Codable, Hashable, Sendable {
    /// One concept's part.
    public struct Share: Codable, Hashable, Sendable {
        public let concept: Int
        /// a / Σ a.
        public let share: Double
        /// gₖ / var r.
        public let explained: Double
    }

    /// In the order in which they were chosen.
    public let shares: [Share]
    /// Share of the response's variance that the concepts explain; 0 where none is significant.
    public let explained: Estimate
    /// Nil where no concept is significant.
    public let selectivity, effectiveConcepts, participation: Estimate?

    static let limit = 64
    static let significance = 5.0

    /// - response: covariances of the response with each concept, and its variance, on everything and without each group.
    init(_ response: ResponseMoments, without: [ResponseMoments]) {
        var selection = ForwardSelection(response)
        // The same choices on the data without each group say how sure each one is.
        var partial = without.map { ForwardSelection($0) }
        var concepts: [Int] = []
        var (all, left) = (Gains(variance: response.variance), without.map { Gains(variance: $0.variance) })
        while concepts.count < Self.limit, let best = selection.best {
            let coefficients = partial.map { $0.coefficient(best) }
            guard selection.coefficient(best) > Self.significance * Jackknife.standardError(coefficients) else { break }
            concepts.append(best)
            all.values.append(selection.gain(best))
            selection.choose(best)
            for i in partial.indices {
                left[i].values.append(partial[i].gain(best))
                partial[i].choose(best)
            }
        }
        func estimate(_ statistic: KeyPath<Gains, Double>) -> Estimate {
            Jackknife.estimate(all[keyPath: statistic], without: left.map { $0[keyPath: statistic] })
        }
        func ofConcepts(_ statistic: KeyPath<Gains, Double>) -> Estimate? {
            concepts.isEmpty ? nil : estimate(statistic)
        }
        shares = zip(concepts, zip(all.values, all.shares)).map {
            Share(concept: $0, share: $1.1, explained: $1.0 / response.variance)
        }
        explained = estimate(\.explained)
        selectivity = ofConcepts(\.selectivity)
        effectiveConcepts = ofConcepts(\.effectiveConcepts)
        participation = ofConcepts(\.participation)
    }

    /// gₖ of the chosen concepts.
    private struct Gains {
        let variance: Double
        var values: [Double] = []

        /// a / Σ a.
        var shares: [Double] {
            let responses = values.map { $0.squareRoot() }
            let total = max(responses.reduce(0, +), 1e-300)
            return responses.map { $0 / total }
        }
        var explained: Double { variance > 0 ? min(1, values.reduce(0, +) / variance) : 0 }
        var selectivity: Double { shares.max() ?? 0 }
        var effectiveConcepts: Double { exp(shares.reduce(0) { $0 - $1 * log(max($1, 1e-300)) }) }
        var participation: Double {
            let (squares, fourths) = values.reduce((0.0, 0.0)) { ($0.0 + $1, $0.1 + $1 * $1) }
            return squares * squares / max(fourths, 1e-300)
        }
    }
}

/// Second moments of a unit's response with concepts.
struct ResponseMoments {
    /// var r, and cov(r, s) with each concept.
    let variance: Double
    let covariances: [Double]
    /// cov(s, s′), shared by all units.
    let concepts: ConceptMoments

    /// Pearson's, with a concept; 0 where either does not vary.
    func correlation(_ concept: Int) -> Double {
        let scale = (variance * concepts.covariances[concept, concept]).squareRoot()
        return scale > 0 ? covariances[concept] / scale : 0
    }
}

/// Second moments of the concepts' scores.
final class ConceptMoments: Sendable {
    let rows: Double
    /// Vectors in each concept; mean score; covariances.
    let counts, means: [Double]
    let covariances: DoubleMatrix

    init(_ tally: ConceptTally) {
        rows = Double(tally.rows)
        let (rows, means) = (Double(tally.rows), tally.sums.map { [rows] in $0 / max(1, rows) })
        counts = tally.counts
        self.means = means
        var covariances = tally.products
        for c in means.indices {
            for d in means.indices { covariances[c, d] = covariances[c, d] / max(1, rows) - means[c] * means[d] }
        }
        self.covariances = covariances
    }
}

/// Variances and covariances of what the chosen concepts have not explained.
private struct ForwardSelection {
    private let concepts: ConceptMoments
    /// cov(r, s) and var s of what is left, for each concept.
    private var response, variances: [Double]
    /// Of each chosen concept: its number, and the covariance of all concepts with what was left of it, over its deviation.
    private var chosen: [(concept: Int, column: [Double])] = []

    init(_ moments: ResponseMoments) {
        concepts = moments.concepts
        response = moments.covariances
        variances = response.indices.map { moments.concepts.covariances[$0, $0] }
    }

    /// Whether enough of a concept is left: less than a hundredth is only what nearly equal concepts differ by.
    private func isOpen(_ concept: Int) -> Bool { variances[concept] > 0.01 * concepts.covariances[concept, concept] }

    /// The concept that explains most of what is left, among those that the response grows with.
    var best: Int? {
        response.indices.filter { response[$0] > 0 && isOpen($0) }.max { gain($0) < gain($1) }
    }

    func gain(_ concept: Int) -> Double { response[concept] * response[concept] / variances[concept] }
    func coefficient(_ concept: Int) -> Double {
        variances[concept] > 0 ? response[concept] / variances[concept] : 0
    }

    mutating func choose(_ concept: Int) {
        let deviation = max(variances[concept], 1e-30).squareRoot()
        let factor = response[concept] / deviation
        var column = [Double](repeating: 0, count: response.count)
        for c in column.indices {
            var covariance = concepts.covariances[c, concept]
            for (_, earlier) in chosen { covariance -= earlier[c] * earlier[concept] }
            column[c] = covariance / deviation
            response[c] -= column[c] * factor
            variances[c] -= column[c] * column[c]
        }
        chosen.append((concept, column))
    }
}
