import Foundation
import PrismTensor

/// An arrangement of features that superposition is known to choose (Elhage et al. 2022), with all features at length one.
///
/// A solid that falls apart into orthogonal subspaces is the tegum product of what it falls apart into: an octahedron is
/// three digons, a triangular bipyramid a digon and a triangle. Each feature's Dᵢ then is that of its own factor.
public enum Polytope: Hashable, Sendable {
    /// One feature in a dimension of its own.
    case point
    /// d + 1 features in d dimensions, all at the same angle: digon, triangle, tetrahedron …
    case simplex(Int)
    /// Five or more features in a plane, at equal angles. (A square is two digons.)
    case polygon(Int)
    /// Two squares, turned by 45°, at heights ±1/√3, where the eight features are a tight frame.
    case squareAntiprism
    indirect case tegum([Polytope])

    public static let digon = simplex(1)
    public static let triangle = simplex(2)
    public static let tetrahedron = simplex(3)
    public static let pentagon = polygon(5)

    /// The arrangements of this many features that are no tegum product.
    static func irreducible(vertexCount count: Int) -> [Polytope] {
        if count == 1 { return [.point] }
        return [.simplex(count - 1)] + ((5...12).contains(count) ? [.polygon(count)] : [])
            + (count == 8 ? [.squareAntiprism] : [])
    }

    public var dimension: Int {
        switch self {
        case .point: 1
        case .simplex(let dimension): dimension
        case .polygon: 2
        case .squareAntiprism: 3
        case .tegum(let factors): factors.reduce(0) { $0 + $1.dimension }
        }
    }

    public var name: String {
        switch self {
        case .point: return "point"
        case .simplex(1): return "digon"
        case .simplex(2): return "triangle"
        case .simplex(3): return "tetrahedron"
        case .simplex(let dimension): return "\(dimension)-simplex"
        case .polygon(5): return "pentagon"
        case .polygon(6): return "hexagon"
        case .polygon(let count): return "regular \(count)-gon"
        case .squareAntiprism: return "square antiprism"
        case .tegum(let factors):
            let names = factors.map(\.name).sorted()
            switch names {
            case ["digon", "digon"]: return "square"
            case ["digon", "digon", "digon"]: return "octahedron"
            case ["digon", "triangle"]: return "triangular bipyramid"
            case ["digon", "pentagon"]: return "pentagonal bipyramid"
            case let names where names.count > 3 && Set(names) == ["digon"]:
                return "\(names.count)-dimensional cross-polytope"
            default:
                // Each factor once, with its number: "12 × digon ⊕ triangle".
                let kinds = names.enumerated().filter { $0.offset == 0 || names[$0.offset - 1] != $0.element }
                return kinds.map { kind in
                    let count = names.count { $0 == kind.element }
                    return count > 1 ? "\(count) × \(kind.element)" : kind.element
                }.joined(separator: " ⊕ ")
            }
        }
    }

    /// The embeddings, [vertices, dimension], each of length one.
    package var vertices: DoubleMatrix {
        func rows(_ rows: [[Double]]) -> DoubleMatrix {
            var matrix = DoubleMatrix(rows.count, dimension)
            matrix.values = rows.flatMap { $0 }
            return matrix
        }
        switch self {
        case .point: return rows([[1]])
        case .simplex(let dimension):
            // Column by column: what is left of length one on the diagonal, below it what makes every cosine −1/d.
            var matrix = DoubleMatrix(dimension + 1, dimension)
            for c in 0..<dimension {
                func overlap(_ r: Int) -> Double { (0..<c).reduce(0) { $0 + matrix[c, $1] * matrix[r, $1] } }
                matrix[c, c] = (1 - overlap(c)).squareRoot()
                for r in c + 1...dimension { matrix[r, c] = (-1 / Double(dimension) - overlap(r)) / matrix[c, c] }
            }
            return matrix
        case .polygon(let count):
            return rows(
                (0..<count).map {
                    let angle = 2 * .pi * Double($0) / Double(count)
                    return [cos(angle), sin(angle)]
                })
        case .squareAntiprism:
            let (height, radius) = ((1.0 / 3).squareRoot(), (2.0 / 3).squareRoot())
            return rows(
                (0..<8).map {
                    let angle = .pi / 4 * Double($0)
                    return [radius * cos(angle), radius * sin(angle), $0 % 2 == 0 ? height : -height]
                })
        case .tegum(let factors):
            var result = DoubleMatrix(factors.reduce(0) { $0 + $1.vertices.rowCount }, dimension)
            var (row, column) = (0, 0)
            for factor in factors.map(\.vertices) {
                for r in 0..<factor.rowCount {
                    for c in 0..<factor.columnCount { result[row + r, column + c] = factor[r, c] }
                }
                row += factor.rowCount
                column += factor.columnCount
            }
            return result
        }
    }
}
