import PrismTensor

/// What an experiment runs with.
public struct Lab: Sendable {
    /// Where everything random begins; equal seeds give equal bytes.
    public var seed: UInt64
    public var workers: Workers
    /// What a progress line begins with; nil shows none.
    public var label: String?

    public init(seed: UInt64 = 0, workers: Workers = Workers(), label: String? = nil) {
        self.seed = seed
        self.workers = workers
        self.label = label
    }

    /// Seeds of repetitions, each far from those of other runs.
    func seeds(_ count: Int) -> [UInt64] { (0..<count).map(seed.repetition) }
}

extension UInt64 {
    /// The seed of one of many repetitions that begin at this one.
    func repetition(_ number: Int) -> UInt64 { self &* 1_000_003 &+ UInt64(number) }
}
