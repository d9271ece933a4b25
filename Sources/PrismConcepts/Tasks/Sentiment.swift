/// English words that praise and words that blame, whatever they are said of.
enum Sentiment {
    private static let kind = """
        good great best better love loved loving happy happily happiness joy joyful delight delighted delightful beautiful lovely
        pleasant pleased pleasure charming wonderful excellent admirable admired perfect kind kindness gentle sweet generous
        noble grace graceful hope hopeful bright brave wise success successful fortunate favourite agreeable affection
        affectionate cheerful comfort comfortable enjoy enjoyed glad grateful smile smiled friendly warm triumph
        """
    private static let unkind = """
        bad worse worst hate hated hateful sad sadly sadness sorrow grief misery miserable unhappy ugly horrible terrible
        dreadful awful cruel cruelty evil wicked vile nasty anger angry furious fear feared afraid terror pain painful suffer
        suffered suffering despair hopeless dark death dead die died kill killed murder lost loss fail failed failure poor
        wretched disgust disgusting shame ashamed enemy ruin ruined doom cursed bitter foul unfortunate
        """

    static let lists: [Set<String>] = [kind, unkind].map { list in
        Set(list.split { $0 == " " || $0 == "\n" }.map(String.init))
    }
}
