import PrismTensor

/// Equiangular tight frames: |wᵢ · wⱼ| = μ of all pairs, and μ is Welch's bound. They are known for few n and m only, and
/// none has n > m (m + 1) / 2 (Gerzon, in Lemmens and Seidel 1973).
extension Code {
    /// nil where none of the constructions below has this size.
    package static func equiangular(features n: Int, hidden m: Int) -> Code? {
        if n == m + 1 { return simplex(hidden: m) }
        if n == 2 * m, isPrime(n - 1), (n - 1) % 4 == 1 { return paley(prime: n - 1) }
        return (2...5).map(steiner(dimension:)).first { $0.featureCount == n && $0.hiddenCount == m }
    }

    /// n = m + 1 corners of a simplex: wᵢ · wⱼ = −1/m.
    static func simplex(hidden m: Int) -> Code {
        Code(hidden: m, features: m + 1) { _, _ in -1 / Double(m) }
    }

    /// n = 2m = q + 1 for a prime q ≡ 1 (mod 4): wᵢ · wⱼ = ±1/√q, with the signs of Paley's conference matrix (1933), which
    /// are whether i − j is a square modulo q, bordered by ones.
    static func paley(prime q: Int) -> Code {
        let squares = Set((1..<q).map { $0 * $0 % q })
        return Code(hidden: (q + 1) / 2, features: q + 1) { i, j in
            (i == 0 || j == 0 || squares.contains((i - j + q) % q) ? 1 : -1) / Double(q).squareRoot()
        }
    }

    /// Steiner frames (Fickus, Mixon and Tremain 2012) of the lines of a projective space over two elements: [28, 7],
    /// [120, 35], [496, 155].
    ///
    /// The hidden dimensions are the lines {a, b, a ⊕ b}. Each of the v = 2ᵈ⁺¹ − 1 points lies on r = 2ᵈ − 1 lines and stands
    /// for r + 1 vectors, which have ±1/√r on these lines, the signs being rows of a Hadamard matrix without its first
    /// column. Two points share one line, so that products are ±1/r; the vectors of one point form a simplex.
    static func steiner(dimension d: Int) -> Code {
        let (points, size) = (1..<(2 << d), 1 << d)
        let lines = points.flatMap { a in points.filter { a < $0 && $0 < a ^ $0 }.map { [a, $0, a ^ $0] } }
        var vectors = DoubleMatrix(points.count * size, lines.count)
        for a in points {
            let through = lines.indices.filter { lines[$0].contains(a) }
            for corner in 0..<size {
                for (place, line) in through.enumerated() {
                    let isEven = (corner & (place + 1)).nonzeroBitCount % 2 == 0
                    vectors[(a - 1) * size + corner, line] = isEven ? 1 : -1
                }
            }
        }
        return Code(vectors)
    }

    /// The code whose vectors have the given products, which must be those of a tight frame: its Gram matrix has m
    /// eigenvalues n/m, and their eigenvectors are the columns of W to a factor.
    private init(hidden m: Int, features n: Int, product: (Int, Int) -> Double) {
        var gram = DoubleMatrix(n, n)
        for i in 0..<n { for j in 0..<n { gram[i, j] = i == j ? 1 : product(i, j) } }
        let columns = gram.symmetricEigen().vectors.rows(0..<m)
        var vectors = DoubleMatrix(n, m)
        for i in 0..<n { for c in 0..<m { vectors[i, c] = columns[c, i] } }
        self.init(vectors)
    }

    private static func isPrime(_ q: Int) -> Bool {
        q > 1 && (2..<q).prefix { $0 * $0 <= q }.allSatisfy { q % $0 != 0 }
    }
}
